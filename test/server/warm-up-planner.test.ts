import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { Ledgers } from '../../src/server/warm-up-ledgers.js';
import { WarmUpPlanner } from '../../src/server/warm-up-planner.js';
import type { Workload } from '../../src/server/workload.js';
import { MovableClock, NotedLog, redisBench, warmUp, type Bench, type Opened } from '../warmup/support.js';

/** Warm-ups of triggers that are edited, on a real Redis. */

const nothing = { prometheus: () => null, queue: () => null, query: () => ({ why: 'none here' }) };
const LONG = { in: 600_000, hold: 3_600_000 };

let bench: Bench;
let opened: Opened;
let clock: MovableClock;
let registry: Registry;
let log: NotedLog;
let planner: WarmUpPlanner;

beforeEach(async () => {
  bench = await redisBench();
  opened = await bench.open({ work: false });
  [clock, log] = [new MovableClock(), new NotedLog()];
  registry = new Registry(loadProfiles(undefined), nothing, clock);
  const { queue, ledger } = opened.warmUps;
  planner = new WarmUpPlanner({
    queue,
    ledgers: new Ledgers(ledger, () => undefined),
    registry,
    placeOf: () => ({ gpusPerReplica: 1, nodePool: null }),
    mostOf: () => null,
    clock,
    log,
  });
});
afterEach(() => bench.stop());

function ask(target: string): Workload {
  const found = registry.find({
    namespace: 'ml',
    name: 'chat',
    metadata: { profile: 'triton-pending', target },
  });
  if ('kind' in found) throw new Error(found.kind);
  return found;
}

async function planned(...workloads: string[]): Promise<void> {
  const { queue } = opened.warmUps;
  for (const workload of workloads) await queue.plan(warmUp({ workload, ...LONG }));
  await expect.poll(() => queue.known()).toHaveLength(workloads.length);
}

const left = async () => (await opened.warmUps.queue.list()).map(({ warmUp: { workload } }) => workload);

test('a trigger that was edited keeps no warm-up; one that is not known here, or is ordered by name, does', async () => {
  const before = ask('10');
  await planned(before.id, 'ml/chat/elsewhere', 'ml/chat');
  clock.offset += 30_000;
  ask('20');
  await planner.round();
  expect(await left()).toHaveLength(3);
  clock.offset += 31_000;
  ask('20');
  await planner.round();
  expect((await left()).toSorted()).toEqual(['ml/chat', 'ml/chat/elsewhere']);
  expect(log.lines.join('\n')).toContain('its trigger was edited away');
});

test('triggers that KEDA has asked about nowhere for a while keep theirs', async () => {
  const [one, other] = [ask('10'), ask('20')];
  await planned(one.id, other.id);
  clock.offset += 300_000;
  await planner.round();
  expect(await left()).toHaveLength(2);
});
