import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WarmUp } from '../../src/ports/warm-up.js';
import { openWarmUps, type WarmUps } from '../../src/warmup/open.js';
import { pause } from '../../src/warmup/pause.js';
import { eventually } from '../support/processes.js';
import { DurableRedis, killScalers, startScaler, type StepLine } from './processes.js';
import { forever, MovableClock, NotedLog, QUICK, RecordedSteps, warmUp } from './support.js';

const never = new AbortController().signal;
const STEPS = ['nodes', 'ready', 'model'] as const;
let redis: DurableRedis;
let workloads = 0;
const workload = () => `ml/f${(workloads += 1)}/aaa`;
const opened: WarmUps[] = [];

beforeAll(async () => {
  redis = await DurableRedis.start();
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

afterAll(async () => {
  killScalers();
  await redis.stop();
});

async function open(work = true, clock = new MovableClock()) {
  const steps = new RecordedSteps();
  const log = new NotedLog();
  const warmUps = await openWarmUps({
    redisUrl: redis.url,
    stateDir: null,
    clock,
    log,
    steps,
    limits: { ...QUICK, patienceInLeadTimes: 60 },
    work,
  });
  opened.push(warmUps);
  return { warmUps, steps, log, clock };
}

async function endOf({ ledger, queue }: WarmUps, name: string) {
  const line = await eventually(`the end of ${name}`, async () => (await ledger.records(name))[0]);
  expect(await queue.list(name)).toEqual([]);
  expect(await ledger.records(name)).toHaveLength(1);
  return line;
}

/** Its end as it should be, without waiting for it: its hold is cut short. */
async function cutShort(warmUps: WarmUps, planned: WarmUp) {
  await eventually('it holds', async () =>
    (await warmUps.queue.list(planned.workload)).find(({ phase }) => phase === 'holding'),
  );
  await warmUps.queue.plan({ ...planned, holdUntil: Math.max(planned.readyBy, Date.now() + 100) });
  return endOf(warmUps, planned.workload);
}

const completed = (lines: readonly StepLine[], id: string) =>
  lines.filter((line) => line.id === id && line.ended !== undefined).map(({ step }) => step);

describe('a process that is killed, or taken', () => {
  test.each(STEPS)('while it does the step %s loses nothing and does nothing twice', async (step) => {
    const dying = await startScaler({ redisUrl: redis.url, stateDir: null, stepMs: 400 });
    const { warmUps } = await open(false);
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    await warmUps.queue.plan(planned);
    await eventually(`it does ${step}`, async () => dying.lines.find((line) => line.step === step));
    await dying.kill();
    const before = completed(dying.lines, planned.id);
    expect(before).toEqual(STEPS.slice(0, STEPS.indexOf(step)));
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload)).toHaveLength(1);
    const second = await open();
    const line = await cutShort(second.warmUps, planned);
    expect([...before, ...second.steps.of(planned.id)]).toEqual([...STEPS]);
    expect(line.steps.map((each) => each.step)).toEqual(['floor', ...STEPS]);
    expect(line.readyAt).not.toBeNull();
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload)).toEqual([]);
  });

  test('while it holds a floor cannot hold it beyond its end, though nobody takes over', async () => {
    const dying = await startScaler({ redisUrl: redis.url, stateDir: null, stepMs: 10 });
    const { warmUps } = await open(false);
    const planned = warmUp({ workload: workload(), hold: 2500 });
    await warmUps.queue.plan(planned);
    await eventually('it holds', async () =>
      (await warmUps.queue.list(planned.workload)).find(({ phase }) => phase === 'holding'),
    );
    await dying.kill();
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload)).toHaveLength(1);
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload), { timeout: 5000 }).toEqual([]);
    expect(Date.now()).toBeGreaterThanOrEqual(planned.holdUntil);
    const second = await open();
    expect((await endOf(second.warmUps, planned.workload)).outcome).toBe('wasted');
    expect(second.steps.of(planned.id)).toEqual([]);
  });

  test('for dead, and goes on after another has taken over, does nothing more', async () => {
    const stopped = await startScaler({ redisUrl: redis.url, stateDir: null, stepMs: 500 });
    const { warmUps } = await open(false);
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    await warmUps.queue.plan(planned);
    await eventually('it waits', async () => stopped.lines.find(({ step }) => step === 'ready'));
    process.kill(stopped.pid, 'SIGSTOP');
    const second = await open();
    await expect.poll(() => second.steps.of(planned.id), { timeout: 15_000 }).toEqual(['ready', 'model']);
    process.kill(stopped.pid, 'SIGCONT');
    await pause(1200, never);
    expect(stopped.lines.map(({ step }) => step)).not.toContain('model');
    const line = await cutShort(warmUps, planned);
    expect(line.steps.map(({ step }) => step)).toEqual(['floor', ...STEPS]);
    await stopped.kill();
  });

  test('over one warm-up again and again is not killed for ever', async () => {
    const { warmUps } = await open(false);
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    await warmUps.queue.plan(planned);
    for (let death = 0; death < 2; death += 1) {
      const dying = await startScaler({ redisUrl: redis.url, stateDir: null, stepMs: 60_000 });
      await eventually('it acts', async () => dying.lines[0]);
      await dying.kill();
    }
    const steps = new RecordedSteps();
    const limits = { ...QUICK, mostInterrupted: 1 };
    opened.push(
      await openWarmUps({
        redisUrl: redis.url,
        stateDir: null,
        clock: new MovableClock(),
        log: new NotedLog(),
        steps,
        limits,
      }),
    );
    const letter = await eventually('a dead letter', async () =>
      (await warmUps.queue.dead()).find(({ status }) => status.warmUp.id === planned.id),
    );
    expect(letter.reason).toBe('its worker died 2 times over it');
    expect(steps.of(planned.id)).toEqual([]);
  });
});

describe('Redis that is killed and comes back', () => {
  test.each(STEPS)('during the step %s', async (step) => {
    const { warmUps, steps } = await open();
    const planned = warmUp({ workload: workload(), hold: 60_000 });
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    steps[step] = () => held;
    await warmUps.queue.plan(planned);
    await expect.poll(() => steps.of(planned.id).at(-1)).toBe(step);
    await redis.kill();
    await pause(200, never);
    release();
    await pause(200, never);
    await redis.up();
    const line = await cutShort(warmUps, planned);
    expect(line.readyAt).not.toBeNull();
    // The step that was under way is done again if its end could not be written down; one that was written down, never.
    const acts = steps.of(planned.id);
    for (const each of STEPS) {
      const times = acts.filter((act) => act === each).length;
      if (each === step) expect(times).toBeLessThanOrEqual(2);
      else expect(times).toBe(1);
    }
    expect(line.steps.map((each) => each.step)).toEqual(['floor', ...STEPS]);
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload)).toEqual([]);
  });

  test('before it begins, and while it is held', async () => {
    const { warmUps, steps } = await open();
    const planned = warmUp({ workload: workload(), in: 1200, hold: 3000 });
    await warmUps.queue.plan(planned);
    await redis.kill();
    await pause(300, never);
    await redis.up();
    await expect.poll(() => steps.of(planned.id), { timeout: 8000 }).toEqual([...STEPS]);
    await redis.kill();
    await pause(300, never);
    await redis.up();
    expect((await endOf(warmUps, planned.workload)).outcome).not.toBe('failed');
    expect(steps.of(planned.id)).toEqual([...STEPS]);
  });

  test('the last known floors stand until they expire, and that is said', async () => {
    const { warmUps, log } = await open();
    const planned = warmUp({ workload: workload(), hold: 3000 });
    await warmUps.queue.plan(planned);
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload)).toHaveLength(1);
    await redis.kill();
    await expect.poll(() => warmUps.floors.health().kind, { timeout: 5000 }).toBe('stale');
    expect(warmUps.floors.floorsOf(planned.workload).length).toBe(Date.now() < planned.holdUntil ? 1 : 0);
    await expect(warmUps.queue.plan(warmUp())).rejects.toThrow(/Redis did not answer/);
    await expect.poll(() => warmUps.floors.floorsOf(planned.workload), { timeout: 6000 }).toEqual([]);
    expect(Date.now()).toBeGreaterThanOrEqual(planned.holdUntil);
    await redis.up();
    await expect.poll(() => warmUps.floors.health().kind, { timeout: 8000 }).toBe('current');
    expect(log.lines.filter((line) => line.includes('does not answer: the last known floors'))).toHaveLength(
      1,
    );
    await endOf(warmUps, planned.workload);
  });
});

test('a server stops in seconds while Redis is away, and the next takes up its work', async () => {
  const first = await open();
  const planned = warmUp({ workload: workload(), hold: 30_000 });
  first.steps.ready = forever;
  await first.warmUps.queue.plan(planned);
  await expect.poll(() => first.steps.of(planned.id)).toEqual(['nodes', 'ready']);
  await redis.kill();
  await first.warmUps.close();
  await redis.up();
  const second = await open();
  await expect.poll(() => second.steps.of(planned.id), { timeout: 10_000 }).toEqual(['ready', 'model']);
  await second.warmUps.queue.cancel(planned.id);
});

test('a server starts while Redis is away, and works when it comes', async () => {
  await redis.kill();
  const { warmUps, steps } = await open();
  expect(warmUps.floors.health().kind).toBe('stale');
  expect(warmUps.floors.floorsOf('ml/any/aaa')).toEqual([]);
  await redis.up();
  const planned = warmUp({ workload: workload(), hold: 2000 });
  await eventually('it plans', async () => (await warmUps.queue.plan(planned)).kind);
  await expect.poll(() => steps.of(planned.id), { timeout: 8000 }).toEqual([...STEPS]);
});

test('two processes share the work: each step once, and one at a time on a workload', async () => {
  const [first, second] = await Promise.all(
    [1, 2].map(() => startScaler({ redisUrl: redis.url, stateDir: null, stepMs: 20 })),
  );
  const { warmUps } = await open(false);
  const names = Array.from({ length: 8 }, () => workload());
  const planned = names.flatMap((name) =>
    Array.from({ length: 5 }, (_, index) => warmUp({ workload: name, in: 200 + 50 * index, hold: 8000 })),
  );
  await Promise.all(planned.map((each) => warmUps.queue.plan(each)));
  await eventually('all hold', async () => {
    const all = await warmUps.queue.list();
    return all.length === planned.length && all.every(({ phase }) => phase === 'holding') ? true : undefined;
  });
  const lines = [...first!.lines, ...second!.lines];
  for (const { id } of planned) expect(completed(lines, id)).toEqual([...STEPS]);
  expect(first!.lines.length).toBeGreaterThan(0);
  expect(second!.lines.length).toBeGreaterThan(0);
  for (const name of names) {
    const acts = lines
      .filter((line) => line.workload === name && line.ended !== undefined)
      .toSorted((a, b) => a.began - b.began);
    for (const [index, act] of acts.entries()) {
      if (index > 0) expect(act.began).toBeGreaterThanOrEqual(acts[index - 1]!.ended!);
    }
  }
  await Promise.all(planned.map(({ id }) => warmUps.queue.cancel(id)));
  await first!.kill('SIGTERM');
  await second!.kill('SIGTERM');
});

describe('a clock that jumps', () => {
  test('ahead starts what is due by then', async () => {
    const { warmUps, steps, clock } = await open();
    const at = Date.now() + 3_600_000;
    const planned = warmUp({
      workload: workload(),
      startAt: at,
      readyBy: at + 30_000,
      holdUntil: at + 60_000,
    });
    await warmUps.queue.plan(planned);
    await pause(400, never);
    expect(steps.of(planned.id)).toEqual([]);
    clock.offset = 3_600_000;
    await expect.poll(() => steps.of(planned.id), { timeout: 5000 }).toEqual([...STEPS]);
    await expect.poll(async () => (await warmUps.queue.list(planned.workload))[0]?.phase).toBe('holding');
    clock.offset += 61_000;
    expect((await endOf(warmUps, planned.workload)).outcome).toBe('wasted');
  });

  test('back starts nothing before its time', async () => {
    const { warmUps, steps, clock } = await open();
    const planned = warmUp({ workload: workload(), in: 600, hold: 60_000 });
    await warmUps.queue.plan(planned);
    clock.offset = -2000;
    await pause(1300, never);
    expect(steps.of(planned.id)).toEqual([]);
    await expect.poll(() => steps.of(planned.id), { timeout: 6000 }).toEqual([...STEPS]);
    await warmUps.queue.cancel(planned.id);
  });
});

test('a server that stops puts back what it was doing, at once, for the next', async () => {
  const first = await open();
  const planned = warmUp({ workload: workload(), hold: 20_000 });
  first.steps.ready = forever;
  await first.warmUps.queue.plan(planned);
  await expect.poll(() => first.steps.of(planned.id)).toEqual(['nodes', 'ready']);
  await first.warmUps.close();
  expect(first.steps.acts.every(({ ended }) => ended !== null)).toBe(true);
  const second = await open();
  await expect.poll(() => second.steps.of(planned.id)).toEqual(['ready', 'model']);
  await second.warmUps.queue.cancel(planned.id);
});

test('node pools grow no faster than their rate, over all processes', async () => {
  const limits = { ...QUICK, begunPerWindow: 2, window: 1000 };
  const both = await Promise.all(
    [1, 2].map(() =>
      openWarmUps({
        redisUrl: redis.url,
        stateDir: null,
        clock: new MovableClock(),
        log: new NotedLog(),
        steps: new RecordedSteps(),
        limits,
      }),
    ),
  );
  opened.push(...both);
  const planned = Array.from({ length: 6 }, () =>
    warmUp({ workload: workload(), nodePool: 'a100', hold: 9000 }),
  );
  await Promise.all(planned.map((each, index) => both[index % 2]!.queue.plan(each)));
  const begun = await eventually('all have begun', async () => {
    const all = (await both[0]!.queue.list()).filter(({ warmUp: { nodePool } }) => nodePool === 'a100');
    const times = all.map(({ begunAt }) => begunAt).filter((at) => at !== null);
    return times.length === 6 ? times.toSorted((a, b) => a - b) : undefined;
  });
  for (let index = 2; index < begun.length; index += 1) {
    // Between its place in the window and its beginning lie a few round trips.
    expect(begun[index]! - begun[index - 2]!).toBeGreaterThanOrEqual(800);
  }
  await Promise.all(planned.map(({ id }) => both[0]!.queue.cancel(id)));
});
