import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { replay } from '../../src/cli/replay.js';
import { scaledObject } from '../replay/pilotlight/scaled-objects.js';
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
  readonly setup: { readonly slo: number };
  readonly bound: { readonly nodeSeconds: number; readonly attainment: number };
}

interface PageChart {
  readonly id: string;
  readonly series: readonly { readonly label: string; readonly values: readonly (number | null)[] }[];
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
    expect(header).toBe('t,arrivals,queue,running,desired,ready,starting,nodes');
    // 58.4 minutes at one in 15 s.
    expect(samples.length).toBe(235);
    const arrivals = samples.map((row) => Number(row.split(',')[1]));
    expect(arrivals.reduce((sum, each) => sum + each, 0)).toBe(19_366);
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

  it('writes the report as one page with all runs over time', async () => {
    const html = join(folder, 'report.html');
    const printed = await runHere([...EXAMPLE, '--html', html, '--price-per-hour', '1.2', '--json']);
    const page = readFileSync(html, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('Replay of llm/chat');
    const charts = JSON.parse(/id="charts">(.*?)<\/script>/s.exec(page)?.[1] ?? '') as PageChart[];
    expect(charts.map(({ id }) => id)).toEqual(['load', 'replicas', 'wait', 'queue', 'cost']);
    const { policies } = JSON.parse(printed) as Json;
    // What the chart ends at is what the table says.
    const cost = charts.find(({ id }) => id === 'cost')?.series ?? [];
    expect(cost.map(({ label }) => label)).toEqual(policies.map(({ name }) => name));
    for (const [index, { values }] of cost.entries()) {
      const end = Math.max(...values.map((value) => value ?? 0));
      expect(end / (policies[index]?.money ?? 0)).toBeCloseTo(1, 3);
    }
  });

  it('takes what is in time from the trigger’s slo, and from the flag before it', async () => {
    const manifest = join(folder, 'slo.yaml');
    writeFileSync(manifest, scaledObject({ metadata: { slo: '30s@95%' } }));
    const args = ['replay', manifest, ...EXAMPLE.slice(2), '--no-baselines', '--json'];
    const of = async (...more: string[]) => {
      const { setup, bound } = JSON.parse(await runHere([...args, ...more])) as Json;
      return [setup.slo, bound.attainment];
    };
    expect(await of()).toEqual([30, 0.95]);
    expect(await of('--slo-wait', '5s@90%')).toEqual([5, 0.9]);
    expect((JSON.parse(await runHere([...EXAMPLE, '--no-baselines', '--json'])) as Json).setup.slo).toBe(10);
  });

  it('has the manifest’s run alone without the others', async () => {
    const html = join(folder, 'alone.html');
    await runHere([...EXAMPLE, '--no-baselines', '--no-bound', '--html', html]);
    expect(readFileSync(html, 'utf8')).not.toContain('<select');
  });

  it('reads --history, says why it is not used, and goes on', async () => {
    const small = join(folder, 'small.csv');
    writeFileSync(small, 't_seconds,requests\n0,1\n60,0\n');
    const history = join(folder, 'history.csv.gz');
    writeFileSync(history, gzipSync('t_seconds,requests\n0,1\n86399,0\n'));
    const args = [...EXAMPLE.slice(0, 3), small, '--history', history, '--no-baselines', '--no-bound'];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/--history .*history\.csv\.gz: not used; the trigger makes no forecast/);
    expect(stdout).not.toMatch(/bound +\d/);
    writeFileSync(history, gzipSync('t_seconds,requests\n0,-1\n'));
    const wrong = await runCli(args);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toMatch(/history\.csv\.gz: line 2: requests is "-1"/);
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
