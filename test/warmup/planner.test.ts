import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WarmUp, WarmUpPhase, WarmUpStatus } from '../../src/ports/warm-up.js';
import { faultOf } from '../../src/warmup/record.js';
import { NO_DOUBTS, plan, type PlannerInput, type PlannerState } from '../../src/warmup/planner/planner.js';
import { wanted, type ForecastNeed, type Needs } from '../../src/warmup/planner/wanted.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const NOW = 480 * HOUR;
const TERMS = { leadTime: 4 * MINUTE, gpusPerReplica: 2, nodePool: 'a100' };
const WORKLOAD = 'ml/chat/aaa';

function forecast(
  steps: readonly (readonly [minutes: number, replicas: number])[],
  until = 300,
): ForecastNeed {
  return {
    steps: steps.map(([minutes, replicas]) => ({ at: NOW + minutes * MINUTE, replicas })),
    until: NOW + until * MINUTE,
    why: 'p90 of the forecast',
  };
}

function needs(need: ForecastNeed | null, fixed: Needs['fixed'] = []): Needs {
  return { workload: WORKLOAD, forecast: need, fixed };
}

function status(warmUp: WarmUp, phase: WarmUpPhase = 'planned'): WarmUpStatus {
  const begunAt = phase === 'planned' ? null : warmUp.startAt;
  const rest = { plannedAt: NOW, readyAt: null, late: false, failures: 0, lastFailure: null, steps: [] };
  return { warmUp, phase, begunAt, ...rest };
}

function look(
  need: Needs,
  existing: readonly WarmUpStatus[],
  now = NOW,
  state: PlannerState = NO_DOUBTS,
  more: Partial<PlannerInput> = {},
) {
  return plan(state, { needs: need, terms: TERMS, existing, dead: [], now, ...more });
}

/** What a plan leaves when the queue has done it. */
function after(
  existing: readonly WarmUpStatus[],
  actions: ReturnType<typeof plan>['actions'],
): WarmUpStatus[] {
  const all = new Map(existing.map((each) => [each.warmUp.id, each]));
  for (const action of actions) {
    if (action.do === 'cancel') all.delete(action.id);
    else
      all.set(action.warmUp.id, {
        ...(all.get(action.warmUp.id) ?? status(action.warmUp)),
        warmUp: action.warmUp,
      });
  }
  return [...all.values()];
}

const one = (need: ForecastNeed) => wanted(needs(need), TERMS, NOW);

describe('what is wanted', () => {
  test('is a warm-up for each level that nothing earlier holds up', () => {
    const all = one(
      forecast([
        [60, 3],
        [90, 6],
        [120, 4],
        [240, 0],
      ]),
    );
    expect(
      all.map((each) => [each.replicas, (each.readyBy - NOW) / MINUTE, (each.holdUntil - NOW) / MINUTE]),
    ).toEqual([
      [3, 60, 240],
      [6, 90, 120],
      [4, 120, 240],
    ]);
    expect(all[0]).toMatchObject({
      startAt: NOW + 56 * MINUTE,
      leadTime: 4 * MINUTE,
      expectedCost: 3 * 2 * 184 * 60,
      nodePool: 'a100',
      source: 'forecast',
    });
  });

  test('is nothing for a need of zero, less, or no number', () => {
    expect(
      one(
        forecast([
          [10, 0],
          [20, -3],
          [30, Number.NaN],
          [40, Number.POSITIVE_INFINITY],
        ]),
      ),
    ).toEqual([]);
    const fixed = [{ source: 'window', from: NOW, until: NOW + HOUR, replicas: 0, why: 'sleep' }] as const;
    expect(wanted(needs(null, fixed), TERMS, NOW)).toEqual([]);
  });

  test('starts now when the lead time is longer than what is left', () => {
    const [first] = one(forecast([[1, 2]]));
    expect(first).toMatchObject({ startAt: NOW, readyBy: NOW + MINUTE });
    const [begun] = one(forecast([[-30, 2]]));
    expect(begun).toMatchObject({ startAt: NOW, readyBy: NOW });
  });

  test('is one for a slot, with the most that any source asks for and the words of the one that knows best', () => {
    const fixed = [
      { source: 'announced', from: NOW + 61 * MINUTE, until: NOW + 70 * MINUTE, replicas: 2, why: 'launch' },
    ] as const;
    const all = wanted(needs(forecast([[60, 5]], 90), fixed), TERMS, NOW);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({
      replicas: 5,
      source: 'announced',
      why: 'launch',
      holdUntil: NOW + 90 * MINUTE,
    });
  });

  test('does not hold a short peak for as long as the level beside it', () => {
    const all = one(
      forecast([
        [60, 9],
        [62, 2],
      ]),
    );
    expect(all.map((each) => [each.replicas, (each.holdUntil - each.readyBy) / MINUTE])).toEqual([
      [9, 2],
      [2, 238],
    ]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(2);
  });

  test('holds at least the need at every moment, and is accepted by the queue', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: -60, max: 290 }), fc.double({ min: -2, max: 40, noNaN: true })),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 299 }), (given, minute) => {
        const need = forecast(given);
        const all = one(need);
        for (const each of all) expect(faultOf(each, NOW)).toBeNull();
        const at = NOW + minute * MINUTE + 1;
        const last = need.steps.toSorted((a, b) => a.at - b.at).findLast((step) => step.at <= at);
        const floor = Math.max(
          0,
          ...all.filter((each) => each.readyBy <= at && each.holdUntil > at).map((each) => each.replicas),
        );
        expect(floor).toBeGreaterThanOrEqual(Math.ceil(last?.replicas ?? 0));
      }),
    );
  });
});

describe('the planner', () => {
  test('plans what is new, and nothing twice', () => {
    const need = needs(forecast([[60, 4]]));
    const first = look(need, []);
    expect(first.actions.map((action) => action.do)).toEqual(['plan']);
    expect(look(need, after([], first.actions)).actions).toEqual([]);
  });

  test('keeps what is planned while the forecast wobbles within its band', () => {
    let existing = after([], look(needs(forecast([[60, 20]])), []).actions);
    let state = NO_DOUBTS;
    for (let tick = 1; tick < 400; tick += 1) {
      const wobble = forecast([[60 + ((tick % 5) - 2) * 0.9, 20 + ((tick % 3) - 1) * 2]], 300 + (tick % 2));
      const next = look(needs(wobble), existing, NOW + tick * 5000, state);
      expect(next.actions).toEqual([]);
      existing = after(existing, next.actions);
      state = next.state;
    }
  });

  test('follows a forecast into the next slot without planning twice', () => {
    const existing = after([], look(needs(forecast([[59, 4]])), []).actions);
    const moved = look(needs(forecast([[61, 4]])), existing);
    expect(moved.actions).toEqual([]);
  });

  test('takes more, or earlier, at once, and keeps the id', () => {
    const existing = after([], look(needs(forecast([[60, 4]])), []).actions);
    expect(look(needs(forecast([[60, 5]])), existing).actions).toEqual([]);
    const more = look(needs(forecast([[60, 6]])), existing).actions;
    expect(more).toMatchObject([
      { do: 'replace', why: '6 replicas instead of 4', warmUp: { id: existing[0]!.warmUp.id, replicas: 6 } },
    ]);
    expect(look(needs(forecast([[56, 4]])), existing).actions).toMatchObject([
      { do: 'replace', why: 'earlier' },
    ]);
  });

  test('takes less only when the forecast has said so for two minutes', () => {
    const existing = after([], look(needs(forecast([[60, 4]])), []).actions);
    const less = needs(forecast([[60, 2]]));
    const first = look(less, existing);
    expect(first.actions).toEqual([]);
    const later = look(less, existing, NOW + MINUTE, first.state);
    expect(later.actions).toEqual([]);
    const back = look(needs(forecast([[60, 4]])), existing, NOW + 90_000, later.state);
    expect(look(less, existing, NOW + 2 * MINUTE, back.state).actions).toEqual([]);
    expect(look(less, existing, NOW + 2 * MINUTE, later.state).actions).toMatchObject([
      { do: 'replace', why: '2 replicas instead of 4' },
    ]);
  });

  test('cancels what the forecast has not asked for in two minutes; what has begun, in five', () => {
    const existing = after([], look(needs(forecast([[60, 4]])), []).actions);
    const none = needs(forecast([]));
    const first = look(none, existing);
    expect(first.actions).toEqual([]);
    expect(look(none, existing, NOW + 2 * MINUTE, first.state).actions).toMatchObject([{ do: 'cancel' }]);
    const begun = existing.map((each) => status(each.warmUp, 'holding'));
    const at = begun[0]!.warmUp.startAt;
    const doubted = look(none, begun, at);
    expect(look(none, begun, at + 4 * MINUTE, doubted.state).actions).toEqual([]);
    expect(look(none, begun, at + 5 * MINUTE, doubted.state).actions).toMatchObject([{ do: 'cancel' }]);
  });

  test('cancels at once what is not wanted and would begin before the next look', () => {
    const existing = after([], look(needs(forecast([[60, 4]])), []).actions);
    const at = existing[0]!.warmUp.startAt - 20_000;
    expect(look(needs(forecast([])), existing, at).actions).toMatchObject([{ do: 'cancel' }]);
  });

  test('leaves everything to stand when there is no forecast at all', () => {
    const existing = after([], look(needs(forecast([[60, 4]])), []).actions);
    expect(look(needs(null), existing, NOW + 10 * MINUTE).actions).toEqual([]);
  });

  test('holds on to a warm-up under way while its need goes on, and lengthens it in steps', () => {
    let existing = [status(one(forecast([[0, 4]], 60))[0]!, 'holding')];
    let state = NO_DOUBTS;
    let replaced = 0;
    for (let tick = 1; tick <= 720; tick += 1) {
      const minutes = (tick * 5) / 60;
      const next = look(needs(forecast([[minutes, 4]], 60 + minutes)), existing, NOW + tick * 5000, state);
      for (const action of next.actions) expect(action).toMatchObject({ do: 'replace', why: 'longer' });
      replaced += next.actions.length;
      existing = after(existing, next.actions);
      state = next.state;
    }
    expect(existing).toHaveLength(1);
    expect(replaced).toBeLessThanOrEqual(24);
    expect(existing[0]!.warmUp.holdUntil).toBeGreaterThan(NOW + 115 * MINUTE);
  });

  test('follows windows to the letter, and not at all while they run', () => {
    const window = (replicas: number, until = 600) =>
      needs(null, [
        {
          source: 'window',
          from: NOW + 30 * MINUTE,
          until: NOW + until * MINUTE,
          replicas,
          why: '0 8 * * *',
        },
      ]);
    const existing = after([], look(window(3), []).actions);
    expect(look(window(3), existing, NOW + MINUTE).actions).toEqual([]);
    expect(look(window(4), existing, NOW + MINUTE).actions).toMatchObject([
      { do: 'replace', warmUp: { replicas: 4 } },
    ]);
    const running = existing.map((each) => status(each.warmUp, 'holding'));
    expect(look(window(3), running, NOW + HOUR).actions).toEqual([]);
    expect(look(needs(null), running, NOW + HOUR).actions).toMatchObject([{ do: 'cancel' }]);
  });

  test('a window that had begun before the server did is planned once', () => {
    const need = needs(null, [
      { source: 'window', from: NOW - HOUR, until: NOW + HOUR, replicas: 2, why: 'day' },
    ]);
    let existing: WarmUpStatus[] = [];
    let acted = 0;
    for (let tick = 0; tick < 100; tick += 1) {
      const { actions } = look(need, existing, NOW + tick * 5000);
      acted += actions.length;
      existing = after(existing, actions);
    }
    expect(acted).toBe(1);
  });

  test('plans again with a lead time that was learned', () => {
    const need = needs(forecast([[60, 4]]));
    const existing = after([], look(need, []).actions);
    const slower = look(need, existing, NOW, NO_DOUBTS, {
      terms: { ...TERMS, leadTime: 9 * MINUTE },
    }).actions;
    expect(slower).toMatchObject([{ do: 'replace', warmUp: { startAt: NOW + 51 * MINUTE } }]);
  });

  test('plans nothing for the time that a dead warm-up was to hold', () => {
    const [dead] = one(forecast([[0, 4]], 60));
    const letters = [{ status: status(dead!, 'begun'), at: NOW, reason: 'quota' }];
    const later = needs(
      forecast([
        [20, 4],
        [50, 0],
        [120, 4],
      ]),
    );
    const { actions } = look(later, [], NOW + 10 * MINUTE, NO_DOUBTS, { dead: letters });
    expect(actions).toMatchObject([{ do: 'plan', warmUp: { readyBy: NOW + 120 * MINUTE } }]);
  });
});
