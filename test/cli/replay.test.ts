import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { replay } from '../../src/cli/replay.js';
import { runCli } from './cli-process.js';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXAMPLE = [
  'replay',
  'examples/llm-azure23-conv.yaml',
  '--trace',
  'examples/traces/llm-azure23-conv.csv.gz',
];
const LOG = 'test/fixtures/logs/decisions.jsonl';

/** What the command prints, without a process of its own. */
async function runHere([, ...args]: readonly string[]): Promise<string> {
  let printed = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  try {
    await replay.run([...args]);
  } finally {
    written.mockRestore();
  }
  return printed;
}

interface Json {
  readonly load: { readonly requests: number };
  readonly policies: readonly {
    readonly name: string;
    readonly requests: number;
    readonly inTime: number;
    readonly nodeSeconds: number;
    readonly money: number | null;
    readonly costOverBound: number | null;
  }[];
  readonly bound: { readonly nodeSeconds: number };
}

describe('replay', () => {
  it('runs the example beside the baselines and the bound', async () => {
    const timeline = join(folder, 'timeline.csv');
    const { code, stdout, stderr } = await runCli([
      ...EXAMPLE,
      '--price-per-hour',
      '1.2',
      '--timeline',
      timeline,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout.split('\n').filter((line) => /^\S+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ % /.test(line));
    expect(rows[0]).toMatch(/^llm\/chat /);
    expect(rows.map((row) => row.split(' ')[0])).toContain('keda-conc70-zero');
    expect(rows.at(-1)).toMatch(/^bound +[\d.]+ +[\d.]+ +1\.00 +99\.00 %/);
    const [header, ...samples] = readFileSync(timeline, 'utf8').trimEnd().split('\n');
    expect(header).toBe('t_seconds,arrivals,queue,running,ready,replicas,desired,util,duty,reason');
    expect(samples.length).toBeGreaterThan(200);
  });

  it('gives the same bytes twice, and every request one fate', async () => {
    const args = [...EXAMPLE, '--json', '--startup', 'fast'];
    const once = await runHere(args);
    expect(await runHere(args)).toBe(once);
    const { load, policies, bound } = JSON.parse(once) as Json;
    expect(load.requests).toBe(19_366);
    for (const each of policies) {
      expect(each.requests).toBe(policies[0]?.requests);
      expect(each.inTime).toBeLessThanOrEqual(each.requests);
      expect(each.costOverBound).toBeCloseTo(each.nodeSeconds / bound.nodeSeconds);
      expect(each.money).toBeNull();
    }
  });

  it('writes the report as one page with the manifest’s run', async () => {
    const html = join(folder, 'report.html');
    await runHere([...EXAMPLE, '--no-baselines', '--html', html]);
    const page = readFileSync(html, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('Replay of llm/chat');
    expect(page).toContain('id="replicas-0"');
  });

  it('says that --history is not there yet, and goes on', async () => {
    const small = join(folder, 'small.csv');
    writeFileSync(small, 't_seconds,requests\n0,1\n60,0\n');
    const args = [...EXAMPLE.slice(0, 3), small, '--history', 'x', '--no-baselines', '--no-bound'];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/--history is not available yet/);
    expect(stdout).not.toMatch(/bound +\d/);
  });

  it('exits 2 without a report where the input is wrong', async () => {
    const wrong = join(folder, 'wrong.csv');
    writeFileSync(wrong, 't_seconds,requests\n1,1\n0,1\n');
    const timeline = join(folder, 'never.csv');
    const { code, stdout, stderr } = await runCli([...EXAMPLE.slice(0, 3), wrong, '--timeline', timeline]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/wrong\.csv: line 3: time goes back from 1 to 0; sort the rows by t_seconds/);
    expect(() => readFileSync(timeline)).toThrow(/ENOENT/);
  });
});

describe('replay --log', () => {
  const changedLog = () => {
    const path = join(folder, 'changed.jsonl');
    writeFileSync(path, readFileSync(LOG, 'utf8').replace('"tolerance":0.1', '"tolerance":0.02'));
    return path;
  };

  it('decides every step again', async () => {
    expect(await runHere(['replay', '--log', LOG])).toBe(`${LOG}: 32 steps, all decided as they were\n`);
  });

  it('exits 1 at the first step that a rule decides otherwise', async () => {
    const path = changedLog();
    const { code, stdout } = await runCli(['replay', '--log', path]);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `${path}:7: llm/chat/0123456789ab is decided otherwise: desired`,
      '    logged:  1',
      '    decided: 2',
    ]);
    const json = await runHere(['replay', '--log', path, '--json']);
    expect(JSON.parse(json)).toMatchObject({ steps: 7, difference: { line: 7, field: 'desired' } });
  });

  it('exits 2 for a file that is no decision log', async () => {
    const path = join(folder, 'half.jsonl');
    const log = readFileSync(LOG, 'utf8');
    writeFileSync(path, log.slice(0, -40));
    await expect(runHere(['replay', '--log', path])).rejects.toThrow(
      /half\.jsonl:32: not JSON; a server that was killed/,
    );
    writeFileSync(path, '\n');
    await expect(runHere(['replay', '--log', path])).rejects.toThrow(/no step; serve --decision-log/);
    await expect(runHere(['replay', '--log', join(folder, 'none')])).rejects.toThrow(/none: ENOENT/);
    await expect(runHere(['replay', '--log', `${path}.gz`])).rejects.toThrow(/gz: ENOENT/);
  });

  it('reads a log that was packed', async () => {
    const path = join(folder, 'decisions.jsonl.gz');
    writeFileSync(path, gzipSync(readFileSync(LOG)));
    expect(await runHere(['replay', '--log', path])).toMatch(/32 steps, all decided as they were/);
    writeFileSync(path, gzipSync(readFileSync(LOG)).subarray(0, 2000));
    await expect(runHere(['replay', '--log', path])).rejects.toThrow(
      /decisions\.jsonl\.gz: unexpected end of file/,
    );
  });
});
