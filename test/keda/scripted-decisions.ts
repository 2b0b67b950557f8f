import { decide } from '../../src/core/decide.js';
import type { Decision } from '../../src/core/decision.js';
import { initialState } from '../../src/core/state.js';
import { compileTrigger } from '../../src/policy/trigger.js';
import type { Answer, Caller, Decisions, Refusal, TriggerRef } from '../../src/ports/decisions.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { startGrpcServer, type GrpcOptions, type GrpcServer } from '../../src/keda/server.js';

/** Decisions that a test hands out: core's own, for a queue of so many requests. */

const METADATA = { profile: 'triton-pending', target: '10' };
const compiled = compileTrigger(METADATA, loadProfiles(undefined));
if (!compiled.ok) throw new Error('the metadata of the tests is wrong');
const { trigger } = compiled;

export const ref: TriggerRef = { namespace: 'shop', name: 'triton', metadata: METADATA };
export const specs = trigger.metricSpecs;

/** @param queue null: nothing is known, and nothing has been before */
export function decisionOn(queue: number | null): Decision {
  const samples = queue === null ? [] : [{ pod: 'triton-7d9f-abcde', value: queue, at: 0 }];
  const observation = {
    readings: [{ kind: 'answered' as const, samples, exists: true }],
    wake: { kind: 'unread' as const },
    replicas: null,
    hpaAsks: false,
  };
  return decide(initialState, observation, trigger.policy, 0).decision;
}

export class ScriptedDecisions implements Decisions {
  /** What the next call is told; a promise makes it wait. */
  next: Answer | Promise<Answer> = decided(decisionOn(33));
  readonly callers: Caller[] = [];
  readonly listeners = new Set<(decision: Decision) => void>();

  specs() {
    const { next } = this;
    return 'kind' in next && next.kind !== 'decided' ? next : { kind: 'specs' as const, specs };
  }

  current(_ref: TriggerRef, caller: Caller): Answer | Promise<Answer> {
    this.callers.push(caller);
    return this.next;
  }

  watch(_ref: TriggerRef, listener: (decision: Decision) => void): (() => void) | Refusal {
    const { next } = this;
    if (!('kind' in next)) throw new Error('a watched trigger answers at once');
    if (next.kind !== 'decided') return next;
    this.listeners.add(listener);
    listener(next.decision);
    return () => void this.listeners.delete(listener);
  }

  push(decision: Decision): void {
    for (const listener of this.listeners) listener(decision);
  }
}

export function decided(decision: Decision): Answer {
  return { kind: 'decided', decision, specs };
}

export function serveScripted(decisions: Decisions, options: Partial<GrpcOptions> = {}): Promise<GrpcServer> {
  return startGrpcServer(decisions, {
    listen: '127.0.0.1:0',
    tls: null,
    reflection: false,
    onCall: () => undefined,
    onProblem: () => undefined,
    ...options,
  });
}
