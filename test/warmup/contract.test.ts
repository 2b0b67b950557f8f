import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pause } from '../../src/warmup/pause.js';
import { eventually } from '../support/processes.js';
import { embeddedBench, forever, redisBench, warmUp, type Bench, type Opened } from './support.js';

const never = new AbortController().signal;
let workloads = 0;
/** Its own for each test: all of them share one store. */
const workload = () => `ml/w${(workloads += 1)}/aaa`;

describe.each([
  ['Redis', () => redisBench()],
  ['a redis-server of its own', () => Promise.resolve(embeddedBench('redis-server'))],
  ['PGlite', () => Promise.resolve(embeddedBench('pglite'))],
] as const)('warm-ups on %s', (_name, make) => {
  let bench: Bench;
  let it: Opened;

  beforeAll(async () => {
    bench = await make();
    it = await bench.open();
  }, 120_000);

  afterAll(async () => {
    await bench.stop();
  }, 30_000);

  async function phaseOf(id: string) {
    return (await it.warmUps.queue.list()).find((each) => each.warmUp.id === id);
  }

  async function inPhase(id: string, phase: string) {
    return eventually(`${id} is ${phase}`, async () => {
      const status = await phaseOf(id);
      return status?.phase === phase ? status : undefined;
    });
  }

  async function gone(id: string) {
    return eventually(`${id} is gone`, async () => ((await phaseOf(id)) === undefined ? true : undefined));
  }

  async function ledgerOf(name: string) {
    return eventually(`a line for ${name}`, async () => (await it.warmUps.ledger.records(name))[0]);
  }

  function floors(name: string): number[] {
    return it.warmUps.floors.floorsOf(name).map(({ replicas }) => replicas);
  }

  test('run at their time, in order, hold their floor and let it go', async () => {
    const planned = warmUp({ workload: workload(), in: 400, hold: 1500, replicas: 4 });
    expect(await it.warmUps.queue.plan(planned)).toEqual({ kind: 'planned' });
    expect((await phaseOf(planned.id))?.phase).toBe('planned');
    expect(floors(planned.workload)).toEqual([]);
    const holding = await inPhase(planned.id, 'holding');
    expect(holding.begunAt).toBeGreaterThanOrEqual(planned.startAt);
    expect(holding.steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'floor done',
      'nodes done',
      'ready done',
      'model done',
    ]);
    await expect.poll(() => floors(planned.workload)).toEqual([4]);
    await expect.poll(() => it.warmUps.queue.known(planned.workload)[0]?.phase).toBe('holding');
    await gone(planned.id);
    await expect.poll(() => floors(planned.workload)).toEqual([]);
    const line = await ledgerOf(planned.workload);
    expect(line).toMatchObject({ id: planned.id, outcome: 'wasted', replicas: 4, reason: null });
    expect(it.steps.of(planned.id)).toEqual(['nodes', 'ready', 'model']);
    expect(it.steps.released).toContain(planned.id);
  });

  test('planned twice are one', async () => {
    const planned = warmUp({ workload: workload(), in: 500, hold: 1200 });
    const answers = await Promise.all([1, 2, 3].map(() => it.warmUps.queue.plan(planned)));
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['planned', 'same', 'same']);
    expect(await it.warmUps.queue.list(planned.workload)).toHaveLength(1);
    await gone(planned.id);
    expect(it.steps.of(planned.id)).toEqual(['nodes', 'ready', 'model']);
  });

  test('are replaced by a better forecast before they begin, sooner or later', async () => {
    const sooner = warmUp({ workload: workload(), in: 60_000, hold: 5000 });
    await it.warmUps.queue.plan(sooner);
    const moved = warmUp({ workload: sooner.workload, slot: sooner.slot, in: 200, hold: 2500, replicas: 7 });
    expect(await it.warmUps.queue.plan(moved)).toEqual({ kind: 'replaced' });
    const later = warmUp({ workload: workload(), in: 500, hold: 5000 });
    await it.warmUps.queue.plan(later);
    const put = warmUp({ workload: later.workload, slot: later.slot, in: 60_000, hold: 5000 });
    expect(await it.warmUps.queue.plan(put)).toEqual({ kind: 'replaced' });
    const status = await inPhase(sooner.id, 'holding');
    expect(status.begunAt! - moved.startAt).toBeLessThan(2000);
    await expect.poll(() => floors(sooner.workload)).toEqual([7]);
    await pause(600, never);
    expect((await phaseOf(later.id))?.phase).toBe('planned');
    expect(await it.warmUps.queue.cancel(later.id)).toBe(true);
  });

  test('change their replicas and their end while they are held', async () => {
    const planned = warmUp({ workload: workload(), hold: 20_000, replicas: 2 });
    await it.warmUps.queue.plan(planned);
    await inPhase(planned.id, 'holding');
    expect(await it.warmUps.queue.plan({ ...planned, replicas: 5 })).toEqual({ kind: 'changed' });
    await expect.poll(() => floors(planned.workload)).toEqual([5]);
    await expect
      .poll(() => it.steps.of(planned.id))
      .toEqual(['nodes', 'ready', 'model', 'nodes', 'ready', 'model']);
    await inPhase(planned.id, 'holding');
    const end = Math.max(Date.now() + 300, planned.readyBy);
    const shorter = { ...planned, replicas: 1, holdUntil: end };
    expect(await it.warmUps.queue.plan(shorter)).toEqual({ kind: 'changed' });
    await gone(planned.id);
    expect(Date.now()).toBeGreaterThanOrEqual(end);
    expect((await ledgerOf(planned.workload)).replicas).toBe(1);
  });

  test('cancelled before they begin leave nothing behind', async () => {
    const planned = warmUp({ workload: workload(), in: 300 });
    await it.warmUps.queue.plan(planned);
    expect(await it.warmUps.queue.cancel(planned.id)).toBe(true);
    expect(await it.warmUps.queue.cancel(planned.id)).toBe(false);
    await pause(700, never);
    expect(await it.warmUps.queue.list(planned.workload)).toEqual([]);
    expect(await it.warmUps.ledger.records(planned.workload)).toEqual([]);
    expect(it.steps.of(planned.id)).toEqual([]);
  });

  test('cancelled under way stop at once and let their floor go', async () => {
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    it.steps.ready = (each, context) => (each.id === planned.id ? forever(each, context) : Promise.resolve());
    await it.warmUps.queue.plan(planned);
    await expect.poll(() => floors(planned.workload)).toEqual([3]);
    await expect.poll(() => it.steps.of(planned.id)).toEqual(['nodes', 'ready']);
    expect(await it.warmUps.queue.cancel(planned.id)).toBe(true);
    await expect.poll(() => floors(planned.workload)).toEqual([]);
    await expect
      .poll(() => it.steps.acts.filter(({ id, ended }) => id === planned.id && ended === null))
      .toEqual([]);
    expect(await ledgerOf(planned.workload)).toMatchObject({ outcome: 'cancelled', readyAt: null });
    expect(it.steps.of(planned.id)).toEqual(['nodes', 'ready']);
    expect(it.steps.released).toContain(planned.id);
  });

  test('cancelled under way and asked for again at once begin anew, under the same id', async () => {
    const late = { readyBy: Date.now() + 50_000, leadTime: 50_000 };
    const planned = warmUp({ workload: workload(), hold: 60_000, ...late });
    it.steps.ready = (each, context) => (each.id === planned.id ? forever(each, context) : Promise.resolve());
    await it.warmUps.queue.plan(planned);
    await expect.poll(() => it.steps.of(planned.id)).toEqual(['nodes', 'ready']);
    expect(await it.warmUps.queue.cancel(planned.id)).toBe(true);
    const again = { ...planned, startAt: planned.startAt + 1, replicas: 8 };
    expect(await it.warmUps.queue.plan(again)).toEqual({ kind: 'planned' });
    await inPhase(planned.id, 'begun');
    await expect.poll(() => floors(planned.workload)).toEqual([8]);
    await expect.poll(() => it.steps.of(planned.id)).toEqual(['nodes', 'ready', 'nodes', 'ready']);
    await it.warmUps.queue.cancel(planned.id);
  });

  test('that fail are tried again, and go on where they were', async () => {
    const planned = warmUp({ workload: workload(), hold: 4000 });
    let failures = 0;
    it.steps.model = (each) => {
      if (each.id !== planned.id || failures === 2) return Promise.resolve();
      failures += 1;
      return Promise.reject(new Error('the model server answers 500'));
    };
    await it.warmUps.queue.plan(planned);
    const holding = await inPhase(planned.id, 'holding');
    expect(it.steps.of(planned.id)).toEqual(['nodes', 'ready', 'model', 'model', 'model']);
    expect(holding.steps.filter(({ outcome }) => outcome === 'failed').map(({ note }) => note)).toEqual([
      'the model server answers 500',
      'the model server answers 500',
    ]);
    await it.warmUps.queue.cancel(planned.id);
  });

  test('that fail too often go to the dead letters, to be retried or discarded', async () => {
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    let broken = true;
    it.steps.nodes = (each) =>
      each.id === planned.id && broken ? Promise.reject(new Error('quota')) : Promise.resolve();
    await it.warmUps.queue.plan(planned);
    const letter = await eventually('a dead letter', async () =>
      (await it.warmUps.queue.dead()).find(({ status }) => status.warmUp.id === planned.id),
    );
    expect(letter.reason).toBe('3 tries failed, the last with: nodes: quota');
    expect(letter.status.steps.filter(({ outcome }) => outcome === 'failed')).toHaveLength(3);
    await expect.poll(() => floors(planned.workload)).toEqual([]);
    expect(await phaseOf(planned.id)).toBeUndefined();
    expect((await ledgerOf(planned.workload)).outcome).toBe('failed');
    expect(await it.warmUps.queue.plan(planned)).toEqual({ kind: 'dead' });
    broken = false;
    expect(await it.warmUps.queue.retry(planned.id)).toBe(true);
    expect(await it.warmUps.queue.retry(planned.id)).toBe(false);
    await inPhase(planned.id, 'holding');
    await it.warmUps.queue.cancel(planned.id);
    expect(await it.warmUps.ledger.records(planned.workload)).toHaveLength(2);
    expect(await it.warmUps.queue.dead()).not.toContainEqual(letter);
    expect(await it.warmUps.queue.discard(planned.id)).toBe(false);
  });

  test('whose model never gets ready are given up, and their floor is released', async () => {
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    it.steps.ready = (each, context) => (each.id === planned.id ? forever(each, context) : Promise.resolve());
    await it.warmUps.queue.plan(planned);
    await expect.poll(() => floors(planned.workload)).toEqual([3]);
    const letter = await eventually('a dead letter', async () =>
      (await it.warmUps.queue.dead()).find(({ status }) => status.warmUp.id === planned.id),
    );
    expect(letter.reason).toBe('it was not ready long after it should have been');
    expect(letter.status.late).toBe(true);
    await expect.poll(() => floors(planned.workload)).toEqual([]);
    expect(await it.warmUps.queue.discard(planned.id)).toBe(true);
    expect((await it.warmUps.queue.dead()).map(({ status }) => status.warmUp.id)).not.toContain(planned.id);
  });

  test('that are late say so, and do their work all the same', async () => {
    const planned = warmUp({ workload: workload(), hold: 3500 });
    it.steps.ready = (each) => (each.id === planned.id ? pause(1600, never) : Promise.resolve());
    await it.warmUps.queue.plan(planned);
    await eventually('late', async () => ((await phaseOf(planned.id))?.late === true ? true : undefined));
    expect((await inPhase(planned.id, 'holding')).late).toBe(true);
    expect(it.log.lines.filter((line) => line.includes('late') && line.includes(planned.id))).toHaveLength(1);
    await gone(planned.id);
    expect((await ledgerOf(planned.workload)).outcome).toBe('late');
  });

  test('of one workload lift their floors at their time, and take their steps in turn', async () => {
    const name = workload();
    const two = [warmUp({ workload: name, replicas: 2 }), warmUp({ workload: name, replicas: 6 })];
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    it.steps.ready = ({ workload: each }) => (each === name ? held : Promise.resolve());
    await Promise.all(two.map((each) => it.warmUps.queue.plan(each)));
    await expect.poll(() => floors(name).toSorted((a, b) => a - b)).toEqual([2, 6]);
    expect(it.steps.acts.filter((act) => act.workload === name)).toHaveLength(2);
    release();
    for (const { id } of two) await inPhase(id, 'holding');
    const acts = it.steps.acts.filter((act) => act.workload === name).toSorted((a, b) => a.began - b.began);
    expect(acts.map(({ step }) => step)).toEqual(['nodes', 'ready', 'model', 'nodes', 'ready', 'model']);
    expect(acts[3]!.began).toBeGreaterThanOrEqual(acts[2]!.ended!);
    for (const { id } of two) await it.warmUps.queue.cancel(id);
  });

  test('that make no sense are refused', async () => {
    const planned = warmUp({ workload: workload() });
    const wrong = [
      { ...planned, replicas: 0 },
      { ...planned, replicas: 1.5 },
      { ...planned, id: 'other' },
      { ...planned, readyBy: planned.startAt - 1 },
      { ...planned, startAt: 0, readyBy: 1, holdUntil: 2 },
      { ...planned, readyBy: Number.NaN },
      { ...planned, why: 'x'.repeat(501) },
    ];
    for (const each of wrong) expect((await it.warmUps.queue.plan(each)).kind).toBe('refused');
    expect(await it.warmUps.queue.list(planned.workload)).toEqual([]);
  });

  test('the ledger accounts what was seen', async () => {
    const planned = warmUp({ workload: workload(), hold: 2000, replicas: 4, gpusPerReplica: 2 });
    await it.warmUps.queue.plan(planned);
    await expect.poll(() => floors(planned.workload)).toEqual([4]);
    const began = Date.now();
    it.warmUps.ledger.observe(planned.workload, { at: began, reactive: 1, actual: 4 });
    it.warmUps.ledger.observe(planned.workload, { at: began + 500, reactive: 4, actual: 4 });
    await pause(300, never);
    it.warmUps.ledger.observe(planned.workload, { at: began + 1000, reactive: 4, actual: 4 });
    const line = await ledgerOf(planned.workload);
    expect(line.outcome).toBe('used');
    expect(line.loadCameAt).toBe(began + 500);
    expect(line.gpuSecondsAhead).toBeCloseTo(3 * 0.5 * 2, 6);
    expect(line.waitingAvoided).toBeGreaterThan(1.4);
  });
});
