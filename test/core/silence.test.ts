import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import type { Decision } from '../../src/core/decision.js';
import type { Observation, Reading } from '../../src/core/observation.js';
import type { Policy } from '../../src/core/policy.js';
import { initialState, type State } from '../../src/core/state.js';
import { anyPolicy, anyTrace, plainPolicy, type Moment } from './arbitraries.js';
import { answered, failed, gpu, perPod, policyWith, queue, START } from './timeline.js';

/** No replica count ever falls because data are missing, said as properties of one more observation. */

function after(policy: Policy, trace: readonly Moment[]): State {
  return trace.reduce(
    (state, { now, observation }) => decide(state, observation, policy, now).state,
    initialState,
  );
}

function atOnce(state: State, observation: Observation, policy: Policy, now: number): Decision {
  return decide(state, observation, policy, now).decision;
}

/** A workload as it is most of the time: so many pods, each with a value, or none, of every signal. */
const counts = fc.integer({ min: 1, max: 6 });
const load = (most: number) => fc.double({ min: 0, max: most, noNaN: true });

interface Scene {
  readonly policy: Policy;
  readonly state: State;
  readonly now: number;
  readonly observe: (keep: readonly (readonly boolean[])[]) => Observation;
}

/** The last observation of pods that carry at most their target, and before it some with whatever load. */
function scenes(inCluster: boolean): fc.Arbitrary<Scene & { keep: boolean[][] }> {
  return fc
    .record({
      policy: anyPolicy.map((each) => ({
        ...each,
        signals: [gpu, queue],
        maxReplicas: null,
        scaleDownWindow: 0,
        dryRun: false,
      })),
      pods: counts,
      before: fc.array(fc.tuple(load(80), load(20)), { minLength: 6, maxLength: 6 }),
      last: fc.array(fc.tuple(load(gpu.target), load(queue.target)), { minLength: 6, maxLength: 6 }),
      keep: fc.tuple(
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      ),
    })
    .map(({ policy, pods, before, last, keep }) => {
      const observe = (
        values: readonly (readonly number[])[],
        kept: readonly (readonly boolean[])[],
        now: number,
      ) => {
        const readings = [0, 1].map((signal) =>
          answered(
            perPod(
              values.slice(0, pods).map((each, pod) => (kept[signal]?.[pod] ? each[signal]! : null)),
              now,
            ),
          ),
        );
        const replicas = inCluster ? { current: pods, ready: pods } : null;
        return { readings, wake: { kind: 'unread' as const }, replicas, hpaAsks: true };
      };
      const all = [Array<boolean>(6).fill(true), Array<boolean>(6).fill(true)];
      const state = after(policy, [{ now: START, observation: observe(before, all, START) }]);
      const now = START + 15_000;
      return { policy, state, now, keep, observe: (kept) => observe(last, kept, now) };
    });
}

const everything = [Array<boolean>(6).fill(true), Array<boolean>(6).fill(true)];

describe.each([true, false])('pods at or below their target (cluster access: %s)', (inCluster) => {
  test('taking samples away never lowers the decision below the lesser of the last one and the one on all data', () => {
    fc.assert(
      fc.property(scenes(inCluster), ({ policy, state, now, observe, keep }) => {
        // Without cluster access pods that leave after a scale-down and pods that fall silent look alike.
        fc.pre(inCluster || state.asked! >= Object.keys(state.pods).length);
        const full = atOnce(state, observe(everything), policy, now);
        const less = atOnce(state, observe(keep), policy, now);
        expect(less.desired, less.reason).toBeGreaterThanOrEqual(Math.min(state.asked!, full.desired));
        if (full.active && state.asked! > 0) expect(less.active).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('any trace', () => {
  const lost: Reading[] = [
    answered([]),
    answered([], false),
    failed('connection refused'),
    { kind: 'unread' },
  ];

  test('without any data the last decision stands, whatever it was', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(false), fc.constantFrom(...lost), (policy, trace, reading) => {
        const state = after(policy, trace);
        if (state.asked === null || state.arrived === 0 || policy.dryRun) return;
        const now = trace.at(-1)!.now + 5000;
        const readings = policy.signals.map(() => reading);
        const observation = { readings, wake: { kind: 'unread' as const }, replicas: null, hpaAsks: true };
        const idle = policy.signals.every((each) => each.absence === 'idle') && reading === lost[0];
        if (idle) return;
        const decision = atOnce(state, observation, policy, now);
        if (decision.verdict === 'blind') return;
        expect(decision.desired).toBeGreaterThanOrEqual(state.asked);
      }),
      { numRuns: 200 },
    );
  });

  test('losing whole signals never lowers the decision below the lesser of the last one and the one on all data', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(false), fc.array(fc.boolean()), (policy, trace, drops) => {
        const state = after(policy, trace.slice(0, -1));
        const { now, observation } = trace.at(-1)!;
        if (state.asked === null) return;
        // A signal that takes absence for idleness says so when it is absent; a failing source is none of that.
        const readings = observation.readings.map((each, index) => (drops[index] ? failed('gone') : each));
        const cluster = observation.replicas;
        if (cluster !== null && cluster.ready === 0) return;
        const full = atOnce(state, observation, policy, now);
        const less = atOnce(state, { ...observation, readings }, policy, now);
        if (full.verdict === 'blind' || less.verdict === 'blind') return;
        expect(less.desired, less.reason).toBeGreaterThanOrEqual(Math.min(state.asked, full.desired));
      }),
      { numRuns: 300 },
    );
  });

  test('a fresh inactive decision rests on idle signals, on zero replicas, or on an idle wake signal', () => {
    fc.assert(
      fc.property(anyPolicy, anyTrace(true), (policy, trace) => {
        let state = initialState;
        for (const { now, observation } of trace) {
          const { state: next, decision } = decide(state, observation, policy, now);
          const before = state;
          state = next;
          if (decision.active || decision.verdict !== 'fresh' || policy.dryRun) continue;
          const signals = decision.signals.filter((each) => each.role === 'demand');
          const allIdle = signals.every((each) => each.evidence === 'fresh' || each.evidence === 'idle');
          const quiet = signals.every((each) => (each.raw ?? 0) <= 2);
          // Jobs are counted where they are queued: no pod has to report that there are none.
          const isQueue = policy.deadline !== null && policy.signals.some(({ backlog }) => backlog === true);
          const noneMissing = isQueue || decision.replicas.missing === 0;
          const provenZero = observation.replicas?.current === 0 || before.asked === 0;
          const wakeIdle = decision.signals.some(
            (each) => each.role === 'wake' && each.evidence !== 'absent' && each.evidence !== 'unread',
          );
          expect(
            (allIdle && quiet && noneMissing) || provenZero || (decision.presumesZero && wakeIdle),
            decision.reason,
          ).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a blind decision has never the look of an idle one to the HPA: it is not answered with', () => {
    fc.assert(
      fc.property(anyTrace(true), (trace) => {
        const state = after(plainPolicy, trace);
        const { asked } = state;
        if (asked === null || asked === 0 || state.blindSince !== null) return;
        const now = Math.max(...trace.map((each) => each.now)) + 2 * plainPolicy.leadTime;
        const gone = { readings: [], wake: { kind: 'unread' as const }, replicas: null, hpaAsks: true };
        const held = decide(state, gone, plainPolicy, now);
        const later = decide(held.state, gone, plainPolicy, now + plainPolicy.holdFor + 1);
        expect([held.decision.verdict, held.decision.desired]).toEqual(['held', asked]);
        expect(later.decision.verdict).toBe('blind');
        expect(later.state.asked).toBe(asked);
      }),
    );
  });
});

/** Pod by pod the three of a deployment fall silent, in any order, over a quarter of an hour without cluster access. */
test('a deployment that goes dark pod by pod keeps a replica for each until it is blind', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      fc.integer({ min: 1, max: 60 }),
      (order, value) => {
        const policy = policyWith({ burst: false });
        let state = initialState;
        const verdicts: string[] = [];
        for (let step = 0; step <= 60; step += 1) {
          const now = START + step * 15_000;
          const dark = order.slice(0, Math.floor(step / 12));
          const values = [0, 1, 2].map((pod) => (dark.includes(pod) ? null : value));
          const readings = [answered(perPod(values, now))];
          const observation = { readings, wake: { kind: 'unread' as const }, replicas: null, hpaAsks: true };
          const next = decide(state, observation, policy, now);
          ({ state } = next);
          verdicts.push(next.decision.verdict);
          expect(next.decision.desired, next.decision.reason).toBeGreaterThanOrEqual(1);
        }
        expect(verdicts.at(-1)).toBe('blind');
        expect(verdicts).toContain('held');
      },
    ),
  );
});
