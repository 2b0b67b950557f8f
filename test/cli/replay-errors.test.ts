import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/cli/command.js';
import { replay } from '../../src/cli/replay.js';
import { scaledObject } from '../replay/pilotlight/scaled-objects.js';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, contents: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const MANIFEST = file('chat.yaml', scaledObject());
const OPEN = file('open.yaml', scaledObject({ metadata: { slots: '', serviceTime: '', target: '3' } }));
const TRACE = file('load.csv', 't_seconds,requests\n0,1\n5,2\n600,0\n');
const LOAD = ['--trace', TRACE];

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

const csv = (name: string, text: string | Buffer) => fault(MANIFEST, '--trace', file(name, text));

describe('replay refuses, with place and remedy', () => {
  it('a recording that is wrong', async () => {
    expect(await csv('a.csv', '')).toMatch(/^a\.csv: line 1: the file is empty; it needs the header/);
    expect(await csv('b.csv', 't_seconds,queries\n0,1\n')).toMatch(
      /^b\.csv: line 1: unknown column "queries"/,
    );
    expect(await csv('c.csv', 't_seconds,requests\n5,1\n4,1\n')).toMatch(
      /^c\.csv: line 3: time goes back from 5 to 4/,
    );
    expect(await csv('d.csv', 't_seconds,requests\n5,-1\n')).toMatch(
      /^d\.csv: line 2: requests is "-1"; expected/,
    );
    expect(await csv('e.csv', 't_seconds,requests\n5,many\n')).toMatch(/^e\.csv: line 2: requests is "many"/);
    expect(await csv('f.csv', 't_seconds,requests\n')).toMatch(/^f\.csv: line 2: there is no row/);
    expect(await csv('g.csv', 't_seconds,requests\n0,1\n\n1,1\n')).toMatch(
      /^g\.csv: line 3: the line is empty/,
    );
    const cut = gzipSync('t_seconds,requests\n0,1\n').subarray(0, 20);
    expect(await csv('h.csv.gz', cut)).toMatch(/^h\.csv\.gz: .*unpack the file and give the CSV/);
    expect(await fault(MANIFEST, '--trace', join(folder, 'none.csv'))).toBe('none.csv: no such file');
  });

  it('a manifest that is wrong', async () => {
    const manifest = (name: string, text: string) => fault(file(name, text), ...LOAD);
    const foreign = `${scaledObject()}    - type: cpu\n      metadata: { value: '60' }\n`;
    expect(await manifest('a.yaml', foreign)).toMatch(
      /^a\.yaml:17: a cpu trigger, which is not Pilotlight's/,
    );
    const twice = `${scaledObject()}    - type: external\n      metadata: { profile: vllm-waiting }\n`;
    expect(await manifest('b.yaml', twice)).toMatch(/^b\.yaml:17: a second Pilotlight trigger/);
    expect(await manifest('c.yaml', 'kind: Service\n')).toMatch(/^c\.yaml:1: no ScaledObject/);
    expect(await manifest('d.yaml', scaledObject({ metadata: { profile: 'vllm' } }))).toMatch(
      /^d\.yaml:14: profile: /,
    );
    expect(await fault(join(folder, 'none.yaml'), ...LOAD)).toBe('none.yaml: no such file');
    expect(await fault(folder, ...LOAD)).toMatch(/: it is a folder; expected a file$/);
  });

  it('a capacity that nobody has said, or that makes no sense', async () => {
    expect(await fault(OPEN, ...LOAD)).toMatch(
      /^--slots: the trigger of llm\/chat does not say how many requests/,
    );
    expect(await fault(OPEN, ...LOAD, '--slots', '4')).toMatch(
      /^--service-time: .* does not say how many seconds/,
    );
    const sane = [MANIFEST, ...LOAD];
    expect(await fault(...sane, '--slots', 'four')).toBe('--slots: got "four", expected a number > 0');
    expect(await fault(...sane, '--service-time', 'soon')).toMatch(
      /^--service-time: got "soon", expected seconds or/,
    );
    expect(await fault(...sane, '--slo-wait', '10s@all')).toMatch(
      /^--slo-wait: got "10s@all", expected .* 10s@99%$/,
    );
    expect(await fault(...sane, '--slo-wait', '0.5')).toMatch(/^slo is 0\.5: expected a whole number/);
    expect(await fault(...sane, '--startup', 'instant')).toMatch(/^--startup: .*fast, standard or slow$/);
    expect(await fault(...sane, '--max', '0')).toMatch(/^--max: got "0"/);
    expect(await fault(...sane, '--score-from', '601')).toMatch(/^--score-from: the load ends after 601 s/);
    expect(await fault(...sane, '--price-per-hour', 'free')).toMatch(/^--price-per-hour: /);
  });

  it('arguments that do not go together', async () => {
    expect(await fault()).toMatch(/^expected a ScaledObject MANIFEST, or --log FILE/);
    expect(await fault(MANIFEST)).toMatch(/^expected a load: either --trace FILE or --prometheus URL/);
    expect(await fault(MANIFEST, ...LOAD, '--prometheus', 'http://p')).toMatch(/^expected a load: either/);
    expect(await fault(MANIFEST, OPEN, ...LOAD)).toMatch(/^unexpected argument/);
    expect(await fault(MANIFEST, ...LOAD, '--timelin', 'x')).toMatch(/did you mean --timeline\?/);
    expect(await fault(MANIFEST, '--log', 'x')).toMatch(/^--log takes no manifest/);
  });

  it('what is of a shared pool alone, and what is not of it', async () => {
    const pair = `${MANIFEST}=${TRACE}`;
    expect(await fault(pair, `${OPEN}=${TRACE}`)).toBe(
      '"chat.yaml=load.csv": MANIFEST=FILE is for several that share a pool, with its --gpus N',
    );
    expect(await fault(MANIFEST, ...LOAD, '--replica-gpus', 'llm/chat=2')).toBe(
      '--replica-gpus: only with --gpus N',
    );
    for (const flag of [
      'provision=1',
      'node-idle=1',
      'html=x',
      'price-per-hour=1',
      'no-baselines',
      'suite=x',
    ]) {
      expect(await fault('--gpus', '2', pair, `--${flag}`)).toMatch(
        new RegExp(
          `^--${flag.split('=')[0]} does not go with --gpus; what does: --slots, .*--replica-gpus, `,
        ),
      );
    }
    expect(await fault('--gpus', '2', pair, '--slot', '1')).toMatch(/did you mean --slots\?/);
    expect(replay.usage).toContain('With --gpus go --slots, --service-time,');
  });

  it('a range that is none', async () => {
    const prometheus = [MANIFEST, '--prometheus', 'http://127.0.0.1:9'];
    expect(await fault(...prometheus)).toBe('--from is required with --prometheus');
    expect(await fault(...prometheus, '--from', 'yesterday')).toMatch(
      /^--from: got "yesterday", expected 2026-/,
    );
    const day = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'];
    expect(await fault(...prometheus, ...day, '--step', '0.5')).toMatch(/^--step: expected whole seconds/);
    expect(await fault(...prometheus, '--from', '100', '--to', '50')).toMatch(
      /^--to: expected at least one step/,
    );
    const unit = ['--query', 'up', '--query-gives', 'total'];
    expect(await fault(...prometheus, ...day, ...unit)).toMatch(/^--query-gives: got "total"/);
    const silent = file('silent.yaml', scaledObject({ metadata: { wake: 'none' } }));
    expect(await fault(silent, ...prometheus.slice(1), ...day)).toMatch(
      /^--query: no profile of llm\/chat knows/,
    );
    await expect(replay.run([...prometheus, ...day])).rejects.toThrow(
      /--prometheus http:\/\/127\.0\.0\.1:9: /,
    );
  });
});
