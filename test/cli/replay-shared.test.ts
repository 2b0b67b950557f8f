import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/cli/command.js';
import { replay } from '../../src/cli/replay.js';
import { loadOf } from '../../src/replay/load.js';
import { percent } from '../../src/replay/report/text.js';
import { lintManifest } from '../../src/policy/lint/lint.js';
import { shippedContext } from '../policy/lint/shipped-profiles.js';
import { scaledObject } from '../replay/pilotlight/scaled-objects.js';

const POOL = 'examples/shared-pool';
const STANDARD = `${POOL}/standard.yaml`;
const README = readFileSync(`${POOL}/README.md`, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-shared-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

async function run(...args: string[]): Promise<string> {
  let printed = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  try {
    expect(await replay.run(args)).toBe(0);
  } finally {
    written.mockRestore();
  }
  return printed;
}

interface Json {
  readonly gpus: number;
  readonly scaledObjects: readonly {
    readonly object: string;
    readonly gpus: number;
    readonly tier: number;
  }[];
  readonly runs: readonly {
    readonly sharing: string;
    readonly gpuSeconds: number;
    readonly idleShare: number;
    readonly scaledObjects: readonly {
      readonly requests: number;
      readonly attainment: number;
      readonly wait: { readonly p99: number | null };
      readonly gpuSeconds: number;
      readonly wanted: number;
      readonly granted: number | null;
      readonly longestWait: number;
      readonly yields: readonly {
        readonly at: number;
        readonly had: number;
        readonly to: number;
        readonly gaveAt: number;
        readonly overAt: number | null;
        readonly backAt: number;
        readonly wholeAt: number;
      }[];
    }[];
  }[];
}

const scenario = (name: string, standard = STANDARD, ...more: string[]) =>
  run(
    '--gpus',
    '12',
    `${POOL}/critical.yaml=${POOL}/${name}-critical.csv`,
    `${standard}=${POOL}/${name}-standard.csv`,
    ...more,
  );

/** Tier 1 and tier 2, shared out and first come, first served. */
async function figures(name: string) {
  const { runs } = JSON.parse(await scenario(name, STANDARD, '--json')) as Json;
  const [tiers, firstCome] = runs;
  expect(runs.map(({ sharing }) => sharing)).toEqual(['tiers', 'first-come']);
  return { tiers: tiers!.scaledObjects, firstCome: firstCome!.scaledObjects, runs };
}

describe('the three bursts of a shared platform, on twelve GPUs', () => {
  it('within capacity: 6 and 6, and both ways of sharing are alike', async () => {
    const { tiers, firstCome } = await figures('within');
    expect(tiers.map(({ wanted, granted }) => [wanted, granted])).toEqual([
      [6, null],
      [6, null],
    ]);
    expect(tiers.map(({ attainment }) => attainment)).toEqual([1, 1]);
    expect(tiers).toEqual(firstCome);
  });

  it('tier 1 bursts: 10 and 2, and its share comes back to tier 2', async () => {
    const { tiers, firstCome } = await figures('tier-1');
    const [critical, standard] = tiers;
    expect([critical?.wanted, critical?.granted, standard?.granted]).toEqual([10, null, 2]);
    expect(standard?.yields).toHaveLength(1);
    const { at, had, to, gaveAt, overAt, backAt, wholeAt } = standard!.yields[0]!;
    expect([had, to]).toEqual([8, 2]);
    // The requests of 8 s that it serves come to their end.
    expect(gaveAt - at).toBeLessThanOrEqual(8);
    // Two minutes after the last round in which tier 1 wanted it, which was up to 15 s before; then an HPA sync.
    expect(backAt - overAt!).toBeGreaterThanOrEqual(105);
    expect(backAt - overAt!).toBeLessThanOrEqual(120);
    expect(wholeAt - backAt).toBeLessThanOrEqual(15 + 8);
    expect(critical?.attainment).toBeGreaterThan(0.9);
    expect(firstCome[0]?.attainment).toBeLessThan(0.35);
    expect(critical?.longestWait).toBeLessThanOrEqual(5 + 15 + 8);
  });

  it('tier 2 bursts: 4 and 8, and tier 1 has all that it needs', async () => {
    const { tiers, firstCome } = await figures('tier-2');
    const [critical, standard] = tiers;
    expect([critical?.wanted, critical?.granted]).toEqual([4, null]);
    expect([standard?.wanted, standard?.granted]).toEqual([20, 8]);
    expect([critical?.attainment, critical?.wait.p99]).toEqual([1, 0]);
    expect(firstCome[0]?.attainment).toBeLessThan(0.7);
  });

  it('adds up: what replicas held and what nobody had is the pool', async () => {
    const { runs } = await figures('tier-1');
    for (const { gpuSeconds, idleShare, scaledObjects } of runs) {
      expect(scaledObjects.reduce((sum, each) => sum + each.gpuSeconds, 0)).toBe(gpuSeconds);
      expect(gpuSeconds / (1 - idleShare)).toBeCloseTo(12 * 2700, 6);
    }
  });

  it('the README shows what the command prints', async () => {
    const printed = (await scenario('tier-1')).trimEnd();
    expect(README).toContain(printed.replaceAll(`${POOL}/`, ''));
  });

  const held = file(
    'held.yaml',
    readFileSync(STANDARD, 'utf8').replace('WindowSeconds: 0', 'WindowSeconds: 300'),
  );

  it.each([
    ['within', 'within', STANDARD],
    ['tier 1', 'tier-1', STANDARD],
    ['tier 1, held', 'tier-1', held],
    ['tier 2', 'tier-2', STANDARD],
  ])('the README has the figures of %s', async (label, name, standard) => {
    const { runs } = JSON.parse(await scenario(name, standard, '--json')) as Json;
    const rows = runs.map(({ sharing, idleShare, scaledObjects: [one, two] }) =>
      [
        '',
        label,
        sharing === 'tiers' ? 'by tiers' : 'first come',
        `${one!.wanted}, ${one!.granted ?? 'all'}`,
        percent(one!.attainment),
        `${one!.wait.p99} s`,
        `${one!.longestWait} s`,
        `${two!.wanted}, ${two!.granted ?? 'all'}`,
        percent(two!.attainment),
        `${two!.wait.p99} s`,
        percent(idleShare),
        '',
      ].join('|'),
    );
    const table = README.replaceAll(/ *\| */g, '|');
    for (const row of rows) expect(table).toContain(row);
  });

  it('the loads are those that the README describes', () => {
    const described = [...README.matchAll(/`([\w-]+\.csv)` *\| ([\d:, ]+\d)/g)];
    expect(described).toHaveLength(6);
    for (const [, name, text = ''] of described) {
      const steps = text.split(', ').map((step) => step.split(': ').map(Number));
      const perSecond = Array.from({ length: 3600 }, (_, t) =>
        t % 8 === 0 ? (steps.findLast(([from = 0]) => from <= t)?.[1] ?? 0) : 0,
      );
      const { at, requests } = loadOf(perSecond);
      const rows = Array.from(at, (t, row) => `${t},${requests[row]}\n`);
      expect(readFileSync(`${POOL}/${name}`, 'utf8')).toBe(`t_seconds,requests\n${rows.join('')}3599,0\n`);
    }
  });

  it('lint has nothing to say of the manifests', () => {
    for (const name of ['critical', 'standard']) {
      const manifest = `${POOL}/${name}.yaml`;
      expect(lintManifest(readFileSync(manifest, 'utf8'), manifest, shippedContext())).toEqual([]);
    }
  });
});

describe('replay --gpus', () => {
  const load = file('load.csv', 't_seconds,requests\n0,1\n5,2\n600,0\n');
  const longer = file('longer.csv', 't_seconds,requests\n0,1\n900,0\n');
  const chat = file('chat.yaml', scaledObject());
  const named = (name: string) => scaledObject().replace('name: chat\n', `name: ${name}\n`);
  const code = file('code.yaml', named('code'));

  it('counts one GPU and one ScaledObject as one', async () => {
    expect(await run('--gpus', '1', `${chat}=${load}`)).toMatch(/^1 GPU for 1 ScaledObject: /);
  });

  it('takes the GPUs of a replica from the flag, or from the Deployment in the file', async () => {
    const limits = 'resources: { limits: { nvidia.com/gpu: 2 } }';
    const deployment = `kind: Deployment\nmetadata: { name: chat }\nspec: { template: { spec: { containers: [{ ${limits} }] } } }\n`;
    const both = file('both.yaml', `${scaledObject()}---\n${deployment}`);
    const args = [
      '--json',
      '--gpus',
      '8',
      '--replica-gpus',
      'llm/code=4',
      `${both}=${load}`,
      `${code}=${longer}`,
    ];
    const { scaledObjects } = JSON.parse(await run(...args)) as Json;
    expect(scaledObjects.map(({ object, gpus }) => [object, gpus])).toEqual([
      ['llm/chat', 2],
      ['llm/code', 4],
    ]);
  });

  /** The message that the user sees, with exit code 2. */
  async function fault(...args: string[]): Promise<string> {
    const error: unknown = await replay.run(args).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof UsageError)) throw error ?? new Error('it ran');
    return error.message.replaceAll(`${folder}/`, '');
  }

  it('refuses what makes no sense, with place and remedy', async () => {
    const one = `${chat}=${load}`;
    expect(await fault('--gpus', '12')).toMatch(/^--gpus: expected the ScaledObjects .* as MANIFEST=FILE/);
    expect(await fault('--gpus', 'many', one)).toBe(
      '--gpus: got "many", expected a whole number, at least 1',
    );
    expect(await fault('--gpus=0', one)).toBe('--gpus: got "0", expected a whole number, at least 1');
    expect(await fault('--gpus', '2', chat)).toBe(
      'expected MANIFEST=FILE.csv[.gz] beside --gpus, got "chat.yaml"',
    );
    expect(await fault('--gpus', '2', `${chat}=none.csv`)).toBe('none.csv: no such file');
    expect(await fault('--gpus', '2', `none.yaml=${load}`)).toBe('none.yaml: no such file');
    expect(await fault('--gpus', '2', `${file('x.yaml', 'kind: Service\n')}=${load}`)).toMatch(
      /^x\.yaml:1: no ScaledObject/,
    );
    expect(await fault('--gpus', '2', `${chat}=${file('x.csv', 't_seconds,requests\n5,-1\n')}`)).toMatch(
      /^x\.csv: line 2: requests is "-1"/,
    );
    expect(await fault('--gpus', '2', one, `${file('again.yaml', scaledObject())}=${load}`)).toBe(
      'again.yaml: llm/chat is in chat.yaml too; expected it once',
    );
    expect(await fault('--gpus', '2', one, '--trace', load)).toMatch(/^--trace does not go with --gpus; /);
    expect(await fault('--gpus', '2', one, '--node-idle', '5')).toMatch(
      /^--node-idle does not go with --gpus; /,
    );
  });

  it('refuses a pool that is too small', async () => {
    const busy = file('busy.yaml', scaledObject({ spec: { minReplicaCount: 3 } }));
    const other = file(
      'other.yaml',
      named('other').replace('maxReplicaCount', 'minReplicaCount: 2\n  maxReplicaCount'),
    );
    expect(await fault('--gpus', '4', `${busy}=${load}`, `${other}=${load}`)).toBe(
      'the minimums (llm/chat 3, llm/other 2) take 5 GPUs and the pool has 4: expected room for all',
    );
    expect(await fault('--gpus', '4', `${chat}=${load}`, '--replica-gpus', 'llm/chat=8')).toBe(
      'a replica of llm/chat takes 8 GPUs and the pool has 4: expected room for one',
    );
    expect(await fault('--gpus', '4', `${chat}=${load}`, '--replica-gpus', 'llm/cat=2')).toBe(
      '--replica-gpus: no ScaledObject llm/cat here; expected one of llm/chat',
    );
    expect(await fault('--gpus', '4', `${chat}=${load}`, '--replica-gpus', '2')).toBe(
      '--replica-gpus: got "2", expected NAMESPACE/NAME=N',
    );
  });

  it('is near a typo of it', async () => {
    expect(await fault(chat, '--trace', load, '--gpu', '12')).toMatch(/did you mean --gpus\?/);
  });
});
