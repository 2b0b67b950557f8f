import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOf } from '../../../src/replay/load.js';
import { manifestPolicy } from '../../../src/replay/pilotlight/manifest-policy.js';
import { simulate } from '../../../src/replay/run.js';
import { share, sharer, type Given } from './pools.js';

const HOUR = 3600;

describe('several ScaledObjects on one pool', () => {
  const calm: Given = {
    name: 'calm',
    tier: 2,
    steps: [
      [0, 10],
      [900, 16],
    ],
  };

  it('are served as each would be alone while there is enough for all', () => {
    const alone = sharer(calm, HOUR);
    const policy = manifestPolicy('calm', alone.trigger, alone.loops, undefined, { startup: alone.setup });
    const own = simulate(alone.load, alone.setup, policy);
    const { scores } = share([alone, sharer({ ...calm, name: 'other' }, HOUR)], 40, 'tiers');
    for (const { score, wanted, granted } of scores) {
      expect({ ...score, nodeSeconds: 0 }).toEqual({ ...own, nodeSeconds: 0 });
      expect({ wanted, granted }).toEqual({ wanted: 6, granted: null });
    }
  });

  it('a tier 1 that bursts gets its GPUs in the HPA sync after the tick that saw it, and tier 2 drains for it', () => {
    const burst = sharer(
      {
        name: 'one',
        tier: 1,
        max: 10,
        steps: [
          [0, 10],
          [900, 26],
        ],
      },
      1500,
    );
    const other = sharer({ name: 'two', tier: 2, steps: [[0, 22]] }, 1500);
    const { rows } = share([burst, other], 12, 'tiers');
    const cut = rows.findIndex(([, two]) => two?.granted === 2);
    // The first tick that sees more than a replica's worth of it, and a sync of the HPAs at once.
    expect(cut).toBe(930);
    // The HPA doubles at most: 4, 8, 10.
    expect([cut - 1, cut, cut + 15].map((t) => rows[t]?.map(({ spec }) => spec))).toEqual([
      [4, 8],
      [8, 2],
      [10, 2],
    ]);
    expect(rows[cut + 15]?.map(({ bound }) => bound)).toEqual([10, 2]);
    expect(rows[cut]?.[1]?.bound).toBeGreaterThan(2);
    expect(rows[cut]?.[0]?.pending).toBeGreaterThan(0);
  });

  it('freed GPUs go to the pod that has waited longest, whoever it belongs to', () => {
    const sharers = [
      sharer(
        {
          name: 'gone',
          tier: 2,
          steps: [
            [0, 22],
            [1200, 2],
          ],
        },
        1800,
      ),
      sharer(
        {
          name: 'late',
          tier: 1,
          steps: [
            [0, 2],
            [900, 20],
          ],
        },
        1800,
      ),
      sharer(
        {
          name: 'early',
          tier: 2,
          steps: [
            [0, 2],
            [700, 20],
          ],
        },
        1800,
      ),
    ];
    const { rows } = share(sharers, 10, 'first-come');
    expect(rows[1199]?.map(({ bound }) => bound)).toEqual([8, 1, 1]);
    const first = rows.findIndex((row) => (row[2]?.bound ?? 0) > 1);
    const second = rows.findIndex((row) => (row[1]?.bound ?? 0) > 1);
    expect(first).toBeGreaterThan(1200);
    expect(rows[first - 1]?.[1]?.pending).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });

  it('a pod that was removed again no longer waits', () => {
    const full = sharer({ name: 'full', tier: 2, steps: [[0, 22]] }, 2400);
    const brief = sharer(
      {
        name: 'brief',
        tier: 2,
        steps: [
          [0, 2],
          [600, 12],
          [660, 2],
        ],
      },
      2400,
    );
    const { rows, scores } = share([full, brief], 9, 'first-come');
    expect(rows[700]?.[1]?.pending).toBeGreaterThan(0);
    expect(rows[2399]?.[1]).toMatchObject({ spec: 1, pending: 0, bound: 1 });
    expect(scores[1]?.pendingPodSeconds).toBe(rows.reduce((sum, row) => sum + (row[1]?.pending ?? 0), 0));
  });

  it('a replica of several GPUs takes all of them or none', () => {
    const large = sharer(
      {
        name: 'large',
        tier: 1,
        gpus: 4,
        steps: [
          [0, 2],
          [600, 12],
        ],
      },
      1800,
    );
    const small = sharer({ name: 'small', tier: 2, steps: [[0, 10]] }, 1800);
    const { rows, taken, scores } = share([large, small], 10, 'tiers');
    expect(rows[1200]?.map(({ bound }) => bound)).toEqual([2, 2]);
    expect(taken[1200]).toBe(10);
    expect(Math.max(...taken)).toBe(10);
    expect(scores[0]?.gpuSeconds).toBe(4 * (scores[0]?.score.podSeconds ?? 0));
  });

  it("the last replica of a minimum of 0 is not the HPA's to take, but goes by KEDA's cooldown", () => {
    const burst = sharer(
      {
        name: 'burst',
        tier: 1,
        max: 4,
        steps: [
          [0, 2],
          [600, 12],
        ],
      },
      1800,
    );
    const small = sharer({ name: 'small', tier: 2, min: 0, steps: [[0, 2]] }, 1800);
    const { rows } = share([burst, small], 4, 'tiers');
    const cut = rows.findIndex((row) => row[1]?.granted === 0);
    const gone = rows.findIndex((row) => row[1]?.spec === 0);
    expect(cut).toBeGreaterThan(600);
    expect(gone - cut).toBeGreaterThan(300 - 30);
    expect(gone - cut).toBeLessThanOrEqual(300 + 30);
  });

  it('what only decides for show keeps what it has and yields nothing', () => {
    const shown = sharer(
      {
        name: 'shown',
        tier: 2,
        dryRun: true,
        steps: [
          [0, 16],
          [600, 40],
        ],
      },
      1800,
    );
    const other = sharer(
      {
        name: 'other',
        tier: 2,
        max: 10,
        steps: [
          [0, 10],
          [600, 26],
        ],
      },
      1800,
    );
    const { rows } = share([shown, other], 12, 'tiers');
    expect(new Set(rows.map(([first]) => first?.bound))).toEqual(new Set([6]));
  });

  it('goes on after the load while anybody waits, and says so of what never starts', () => {
    const idle = sharer({ name: 'idle', tier: 1, steps: [[0, 2]] }, 600);
    const stuck = sharer({ name: 'stuck', tier: 2, steps: [[0, 60]] }, 600);
    const { rows, scores } = share([idle, stuck], 2, 'tiers');
    expect(rows.length).toBeGreaterThan(600);
    expect(scores[1]?.score.requests).toBe(75 * 60);
    expect(scores[1]?.score.p99).toBeGreaterThan(600);
  });

  it('refuses a setup that makes no sense', () => {
    const wrong = sharer({ name: 'wrong', tier: 1, steps: [[0, 1]] }, 60);
    expect(() => share([{ ...wrong, setup: { ...wrong.setup, slots: 0 } }], 1, 'tiers')).toThrow(
      'slots is 0: expected a whole number, at least 1',
    );
    expect(share([{ ...wrong, load: loadOf([]) }], 1, 'tiers').rows).toEqual([]);
  });
});

describe('whatever comes', () => {
  const SECONDS = 1200;
  const steps = fc
    .array(fc.tuple(fc.integer({ min: 1, max: SECONDS - 1 }), fc.integer({ min: 0, max: 60 })), {
      maxLength: 5,
    })
    .map((later) => [[0, 4] as const, ...later.toSorted(([a], [b]) => a - b)]);
  const given = (name: string, tier: 1 | 2, least: number) =>
    fc.record({
      name: fc.constant(name),
      tier: fc.constant(tier),
      min: fc.integer({ min: least, max: 2 }),
      max: fc.integer({ min: 2, max: 20 }),
      gpus: fc.constantFrom(1, 1, 2),
      steps,
    });
  const pool = (least: number) =>
    fc.record({
      gpus: fc.integer({ min: 12, max: 24 }),
      sharers: fc.tuple(given('one', 1, least), given('two', 2, least), given('three', 2, least)),
    });

  it('nobody is ever below its guaranteed minimum, and no GPU is held twice or kept from a pod that waits', () => {
    const sharings = fc.constantFrom('tiers' as const, 'first-come' as const);
    fc.assert(
      fc.property(pool(0), sharings, ({ gpus, sharers }, sharing) => {
        const { rows, taken } = share(
          sharers.map((each) => sharer(each, SECONDS)),
          gpus,
          sharing,
        );
        const wrong = rows.flatMap((row, t) => {
          const inUse = taken[t]!;
          const held = row.reduce((sum, { bound }, index) => sum + bound * sharers[index]!.gpus, 0);
          const faults = row.filter(({ bound, spec, granted, pending }, index) => {
            const { min, gpus: units } = sharers[index]!;
            return Math.min(bound, spec, granted ?? min) < min || (pending > 0 && gpus - inUse >= units);
          });
          return inUse === held && inUse <= gpus && faults.length === 0 ? [] : [{ t, inUse, row }];
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  // With a minimum of 0 the HPA keeps one replica all the same, until KEDA's cooldown is over.
  it('tier 1 waits for tier 2 no longer than a tick, an HPA sync and the requests under way', () => {
    fc.assert(
      fc.property(pool(1), ({ gpus, sharers }) => {
        const { scores } = share(
          sharers.map((each) => sharer(each, SECONDS)),
          gpus,
          'tiers',
        );
        expect(scores[0]?.longestWait).toBeLessThanOrEqual(5 + 15 + 8);
      }),
      { numRuns: 40 },
    );
  });
});
