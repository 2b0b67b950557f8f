import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { tune } from '../../src/cli/tune.js';
import { tuneProgress } from '../../src/cli/tune-progress.js';
import { readManifest } from '../../src/replay/pilotlight/manifest.js';
import { runCli } from './cli-process.js';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-tune-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MANIFEST = 'examples/llm-azure23-conv.yaml';
const EXAMPLE = [MANIFEST, '--trace', 'examples/traces/llm-azure23-conv.csv.gz'];

interface Row {
  readonly setting: Record<string, string>;
  readonly search: { readonly nodes: number; readonly attainment: number; readonly met: boolean };
  readonly check: { readonly attainment: number; readonly met: boolean } | null;
}
interface Json {
  readonly split: { readonly kind: string; readonly search: { readonly requests: number } };
  readonly search: { readonly method: string; readonly runs: number; readonly space: object };
  readonly now: Row;
  readonly frontier: readonly Row[];
  readonly verdict: string;
  readonly chosen: Row | null;
  readonly nearest: Row | null;
  readonly take: Row | null;
  readonly checked: boolean;
  readonly scaledObject: string | null;
  readonly notes: readonly string[];
}

/** In this process, one run at a time. */
async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  try {
    return { code: await tune.run([...args, '--jobs', '1']), stdout };
  } finally {
    written.mockRestore();
  }
}

async function jsonOf(args: readonly string[]): Promise<Json & { code: number }> {
  const { code, stdout } = await runHere([...args, '--json']);
  return { ...(JSON.parse(stdout) as Json), code };
}

/** Days with an hour of load at noon: as many requests a second as given for the day. */
function daysOf(...rates: number[]): string {
  const path = join(folder, `${rates.join('-')}.csv`);
  const rows = rates.flatMap((rate, day) =>
    Array.from({ length: 1800 }, (_, t) => `${day * 86_400 + 43_200 + 2 * t},${rate}`),
  );
  writeFileSync(path, `t_seconds,requests\n${rows.join('\n')}\n${rates.length * 86_400 - 1},0\n`);
  return path;
}

describe('tune', () => {
  it('gives the same bytes however many run at once', async () => {
    const args = [...EXAMPLE, '--set', 'target=2,2.8,5', '--set', 'burst=on,off'];
    const here = await runHere(args);
    expect(here.code).toBe(0);
    const { code, stdout, stderr } = await runCli(['tune', ...args, '--jobs', '3']);
    expect([code, stderr, stdout]).toEqual([0, '', here.stdout]);
  });

  it('prints the frontier, the choice and the ScaledObject with its values', async () => {
    const yaml = join(folder, 'chosen.yaml');
    const args = [...EXAMPLE, '--set', 'target=2,now,4.2', '--price-per-hour', '1.2', '--yaml', yaml];
    const { stdout } = await runHere(args);
    expect(stdout).toMatch(/All 3 combinations in 3 runs:\n {2}target {2}2, 2\.8 \(now\), 4\.2\n/);
    expect(stdout).toMatch(/^Chosen: target 2\.8 → 4\.2$/m);
    expect(stdout).toMatch(/^now +[\d.]+ +[\d.]+ +100\.00 % +0 s /m);
    expect(stdout).toMatch(/^chosen +[\d.]+ +[\d.]+ +[\d.]+ % +\d+ s .* 4\.2$/m);
    expect(stdout).toMatch(/search: [\d.]+ nodes \(−\d+ %\), [\d.]+ % in time; as it is now/);
    expect(stdout).toMatch(/target 4\.2 is the highest that was tried/);
    expect(stdout).toMatch(/shorter than two days.*take it as unchecked/);
    expect(readManifest(readFileSync(yaml, 'utf8'), yaml).metadata['target']).toBe('4.2');
    expect(stdout).toContain(readFileSync(yaml, 'utf8').trimEnd());
  });

  it('searches what fits the manifest where nothing is named', async () => {
    const small = join(folder, 'small.csv');
    writeFileSync(small, 't_seconds,requests\n10,3\n500,3\n900,3\n1199,0\n');
    const { search } = await jsonOf([MANIFEST, '--trace', small, '--budget', '12']);
    expect(search.method).toBe('steps');
    expect(search.runs).toBe(12);
    expect(Object.keys(search.space)).toEqual([
      'target',
      'minReplicaCount',
      'cooldownPeriod',
      'scaleDown.stabilizationWindowSeconds',
      'burst',
    ]);
  });

  it('takes a setting only when it holds on the later days', async () => {
    const args = [MANIFEST, '--set', 'minReplicas=1,2,6', '--slo-wait', '10s', '--slo-share', '99%'];
    const even = await jsonOf([...args, '--trace', daysOf(1, 1)]);
    expect(even).toMatchObject({ code: 0, verdict: 'met', checked: true, split: { kind: 'days' } });
    expect(even.take?.check?.met).toBe(true);
    expect(readManifest(even.scaledObject ?? '', 'a.yaml').metadata['minReplicas']).toBe(
      even.take?.setting['minReplicas'],
    );

    const growing = await jsonOf([...args, '--trace', daysOf(1, 3)]);
    expect(growing).toMatchObject({ code: 1, verdict: 'failed', checked: false });
    expect(growing.chosen?.setting).toEqual(even.take?.setting);
    expect(growing.chosen?.search.met).toBe(true);
    expect(growing.chosen?.check?.met).toBe(false);
    expect(growing.take?.setting).toEqual({ minReplicas: '6' });
    const { stdout } = await runHere([...args, '--trace', daysOf(1, 3)]);
    expect(stdout).toMatch(/Searched on day 1 but for the first 60 min .* checked on day 2/);
    expect(stdout).toMatch(/misses it on the check part by [\d.]+ points/);
    expect(stdout).toMatch(/nothing is left to check it on/);
  });

  it('exits 1 without a ScaledObject where no setting serves the share, and says by how much', async () => {
    const yaml = join(folder, 'never.yaml');
    const args = [MANIFEST, '--trace', daysOf(4, 4), '--max', '2', '--set', 'target=2,4', '--yaml', yaml];
    const { code, stdout } = await runHere(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/No setting serves 99 % .* within 10 s\. The nearest misses it by [\d.]+ points:/);
    expect(stdout).not.toContain('kind: ScaledObject');
    expect(() => readFileSync(yaml)).toThrow(/ENOENT/);
  });

  it('takes what in time means from the trigger', async () => {
    const own = join(folder, 'slo.yaml');
    const text = readFileSync(MANIFEST, 'utf8');
    writeFileSync(own, text.replace("slots: '4'", "slots: '4'\n        slo: 20s@95%"));
    const args = [own, ...EXAMPLE.slice(1), '--set', 'burst=on'];
    expect(await jsonOf(args)).toMatchObject({ slo: { wait: 20, share: 0.95 } });
    expect(await jsonOf([...args, '--slo-wait', '5s'])).toMatchObject({ slo: { wait: 5, share: 0.95 } });
    expect(await jsonOf([...args, '--slo-share', '90%'])).toMatchObject({ slo: { wait: 20, share: 0.9 } });
  });

  it.each([
    [['--set', 'targt=2'], /--set: no key "targt" .*did you mean target\?/],
    [['--set', 'tolerance=7'], /--set: tolerance: got "7", expected a share/],
    [['--set', 'profile=vllm-wating'], /--set: profile=vllm-wating: .*Did you mean vllm-waiting/],
    [['--set', 'maxReplicaCount=4,8', '--max', '4'], /--max holds for all settings/],
    [['--slo-share', '99'], /--slo-share: got "99", expected a share such as 99\.5%/],
    [['--slo-wait', '5s@99%', '--slo-share', '98%'], /--slo-wait 5s@99% has a share of its own/],
    [['--budget', '1'], /--budget: got "1", expected a whole number ≥ 2/],
    [['--jobs', 'all'], /--jobs: got "all", expected a whole number ≥ 1/],
    [['--search-days', '3'], /--search-days: got 3, expected whole days, fewer than the load has/],
    [['--budgt', '3'], /did you mean --budget\?/],
    [['another.yaml'], /unexpected argument "another\.yaml"/],
  ])('refuses %j', async (more, message) => {
    await expect(tune.run([...EXAMPLE, ...more])).rejects.toThrow(message);
  });

  it('refuses a load without requests, a manifest without a load, one that cannot be written, and a dry run', async () => {
    const empty = join(folder, 'empty.csv');
    writeFileSync(empty, 't_seconds,requests\n3599,0\n');
    await expect(tune.run([MANIFEST, '--trace', empty])).rejects.toThrow(/no request from second/);
    await expect(tune.run([MANIFEST])).rejects.toThrow(
      /expected a load: either --trace FILE or --prometheus/,
    );
    const aliased = join(folder, 'aliased.yaml');
    writeFileSync(aliased, readFileSync(MANIFEST, 'utf8').replace('  triggers:', '  advanced:\n  triggers:'));
    await expect(tune.run([aliased, ...EXAMPLE.slice(1)])).rejects.toThrow(
      /aliased\.yaml: scaleDown\S+: what holds it in the manifest is empty or an alias/,
    );
    const dry = join(folder, 'dry.yaml');
    const text = readFileSync(MANIFEST, 'utf8');
    writeFileSync(dry, text.replace("slots: '4'", "slots: '4'\n        dryRun: 'true'"));
    await expect(tune.run([dry, ...EXAMPLE.slice(1)])).rejects.toThrow(
      /dryRun leaves the replicas as they are/,
    );
  });
});

describe('the bar of tune', () => {
  const barOn = (isTTY: boolean) => {
    let [shown, now] = ['', 0];
    const write = (text: string) => {
      shown = text;
      return true;
    };
    const progress = tuneProgress({ isTTY, write }, { now: () => now });
    progress.begin('search', 10);
    now = 4000;
    progress.done();
    return { shown: () => shown, progress };
  };

  it('shows on a terminal what is done and how long the rest takes', () => {
    const { shown, progress } = barOn(true);
    expect(shown()).toMatch(/█{3}░{27} search: 1 of 10 runs, 36 s left at most/);
    progress.clear();
    expect(shown()).toMatch(/^\r\S+2K$/);
  });

  it('is silent where standard error is no terminal', () => {
    expect(barOn(false).shown()).toBe('');
  });
});
