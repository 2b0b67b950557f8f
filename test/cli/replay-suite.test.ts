import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/cli/command.js';
import { replay } from '../../src/cli/replay.js';
import { scaledObject, SETUP } from '../replay/pilotlight/scaled-objects.js';
import { runCli } from './cli-process.js';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-suite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, contents: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const METADATA = { slo: '10s@99%', forecast: 'auto' };
const MANIFEST = file('chat.yaml', scaledObject({ metadata: METADATA }));
/** Half an hour with a request each so many seconds. */
const csv = (every: number) => {
  const rows = Array.from({ length: 1800 / every }, (_, index) => `${index * every},1`);
  return `t_seconds,requests\n${rows.join('\n')}\n1799,0\n`;
};
file('steady.csv', csv(4));
file('rare.csv.gz', gzipSync(csv(300)));
file('wrong.csv', 't_seconds,requests\n5,-1\n');

const model = { ...SETUP, scoreFrom: 300 };
const entry = (trace: string, more: object = {}) => ({ trace, startup: 'standard', model, ...more });
const suite = (name: string, ...entries: object[]) => file(name, JSON.stringify(entries));
const SUITE = suite(
  'set.json',
  entry('steady', { class: 'dense', bound: { '0.99': 1500 }, licence: 'CC0' }),
  entry('rare', { class: 'sparse' }),
  entry('rare', { class: 'sparse', startup: 'slow', model: { ...model, modelLoad: 300 } }),
);

async function run(...args: string[]): Promise<string> {
  let stdout = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  try {
    expect(await replay.run([MANIFEST, '--jobs', '1', ...args])).toBe(0);
    return stdout;
  } finally {
    written.mockRestore();
  }
}

/** The message that the user sees, with exit code 2; nothing may have been printed before it. */
async function fault(...args: string[]): Promise<string> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await replay.run(args);
    return 'none';
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(written).not.toHaveBeenCalled();
    return error.message.replaceAll(`${folder}/`, '');
  } finally {
    written.mockRestore();
  }
}

interface Figures {
  readonly name: string;
  readonly nodeSeconds: number;
  readonly attainment: number;
  readonly cost: number;
}
interface Json {
  readonly loads: readonly {
    readonly trace: string;
    readonly bound: { readonly nodeSeconds: number };
    readonly reactive: Figures;
    readonly forecast: Figures | null;
    readonly baselines: readonly Figures[];
  }[];
}

describe('replay --suite', () => {
  it('gives the same bytes however many run at once, in the order of the file', async () => {
    const here = await run('--suite', SUITE);
    const { code, stdout, stderr } = await runCli(['replay', MANIFEST, '--suite', SUITE, '--jobs', '2']);
    expect([code, stderr, stdout]).toEqual([0, '', here]);
    expect(here.match(/^(?:steady|rare) .*@.*@.*@.*$/gm)).toHaveLength(2);
    expect(here).toMatch(/^forecast +[\d.]+ +[\d.]+ +\d .*$/m);
  });

  it('has for each load what a replay of it alone has', async () => {
    const { loads } = JSON.parse(await run('--suite', SUITE, '--json')) as Json;
    const alone = await replayAlone('rare.csv.gz');
    const rare = loads[1];
    expect(rare?.bound.nodeSeconds).toBe(alone.bound);
    expect(rare?.baselines.map(({ name, nodeSeconds }) => [name, nodeSeconds])).toEqual(alone.baselines);
    expect(rare?.forecast?.nodeSeconds).toBe(alone.own);
    expect(loads[0]?.bound.nodeSeconds).toBe(1500);
  });

  it('runs the loads that are asked for, alone if wanted', async () => {
    const text = await run('--suite', SUITE, '--startup', 'all', '--only', '^rare$', '--no-baselines');
    expect(text).toMatch(/^rare +standard +sparse /m);
    expect(text).toMatch(/^rare +slow +sparse /m);
    expect(text).not.toMatch(/steady|BEST BASELINE|kpa/);
  });

  it('says so where the manifest makes no forecast, by leaving that column out', async () => {
    const plain = file('plain.yaml', scaledObject());
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await replay.run([plain, '--suite', SUITE, '--only', 'steady', '--jobs', '1']);
    const text = String(written.mock.calls[0]?.[0]);
    written.mockRestore();
    expect(text).toMatch(/^LOAD +CLASS +BOUND +REACTIVE +BEST BASELINE/m);
  });
});

describe('replay --suite refuses, with place and remedy', () => {
  const on = (name: string, ...entries: object[]) =>
    fault(MANIFEST, '--suite', suite(name, ...entries), '--jobs', '1');

  it('a file that is wrong', async () => {
    expect(await fault(MANIFEST, '--suite', join(folder, 'none.json'))).toBe('none.json: no such file');
    expect(await fault(MANIFEST, '--suite', file('a.json', '[{]'))).toMatch(/^a\.json: no JSON: /);
    expect(
      await on('b.json', { trace: 'steady', startup: 'standard', model: { ...model, slots: 'four' } }),
    ).toBe('b.json: [0].model.slots: expected a whole number ≥ 1');
    expect(await fault(MANIFEST, '--suite', SUITE, '--startup', 'fast')).toBe(
      'set.json: no load with start-up "fast"; expected standard, slow or all',
    );
    expect(await fault(MANIFEST, '--suite', SUITE, '--only', 'night')).toBe(
      'set.json: no load matches /night/; expected some of steady, rare',
    );
    expect(await fault(MANIFEST, '--suite', SUITE, '--only', '(')).toMatch(
      /^--only: Invalid regular expression/,
    );
  });

  it('a load that is not there, or wrong, also from another process', async () => {
    expect(await on('c.json', entry('steady'), entry('night'))).toBe(
      'c.json: no load for night; expected night.csv or night.csv.gz beside c.json',
    );
    expect(await on('d.json', entry('wrong'))).toMatch(/^wrong\.csv: line 2: requests is "-1"; expected/);
    const late = entry('steady', { model: { ...model, scoreFrom: 1800 } });
    expect(await on('e.json', late)).toMatch(
      /^steady\.csv: the load ends after 1800 s, before the score begins/,
    );
    const set = suite('f.json', entry('wrong'));
    const { code, stdout, stderr } = await runCli(['replay', MANIFEST, '--suite', set, '--jobs', '2']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/wrong\.csv: line 2: requests is "-1"; expected/);
  });

  it('flags of one run, and its own without it', async () => {
    expect(await fault(MANIFEST, '--suite', SUITE, '--trace', 'steady.csv')).toMatch(
      /^--trace: --suite brings its own loads/,
    );
    expect(await fault(MANIFEST, '--suite', SUITE, '--slots', '4')).toMatch(/^--slots: --suite brings/);
    expect(await fault(MANIFEST, '--trace', join(folder, 'steady.csv'), '--only', 'x')).toBe(
      '--only: only with --suite FILE',
    );
    expect(await fault(MANIFEST, '--suite', SUITE, '--jobs', '0')).toMatch(/^--jobs: got "0"/);
    expect(await fault('--suite', SUITE)).toMatch(/^expected a ScaledObject MANIFEST/);
  });
});

async function replayAlone(name: string) {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await replay.run([MANIFEST, '--trace', join(folder, name), '--score-from', '300', '--json']);
  const text = String(written.mock.calls[0]?.[0]);
  written.mockRestore();
  const { policies, bound } = JSON.parse(text) as {
    policies: { name: string; nodeSeconds: number }[];
    bound: { nodeSeconds: number };
  };
  const [own, ...baselines] = policies;
  return {
    own: own?.nodeSeconds,
    baselines: baselines.map(({ name: policy, nodeSeconds }) => [policy, nodeSeconds]),
    bound: bound.nodeSeconds,
  };
}
