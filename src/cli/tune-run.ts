import type { Load } from '../replay/load.js';
import { manifestPolicy } from '../replay/pilotlight/manifest-policy.js';
import { simulate } from '../replay/run.js';
import type { Score } from '../replay/score.js';
import type { Setup } from '../replay/setup.js';
import type { Candidate } from '../replay/tune/candidate.js';

export type PartName = 'search' | 'check';

/** What a process needs to run settings; plain data. */
export interface Parts extends Readonly<Record<PartName, { readonly load: Load; readonly setup: Setup }>> {
  /** What came right before either part's second 0; null: not known. */
  readonly history: Load | null;
}

export interface RunOrder {
  readonly part: PartName;
  readonly candidate: Candidate;
}

/** One replay, which depends on nothing but its arguments. */
export function runOrder(parts: Parts, { part, candidate }: RunOrder): Score {
  const { load, setup } = parts[part];
  const { object, trigger, loops, maxReplicas } = candidate;
  const policy = manifestPolicy(object, trigger, loops, undefined, {
    history: parts.history,
    startup: setup,
  });
  return simulate(load, { ...setup, maxReplicas }, policy);
}

/** From the command to a process of its own: the parts first. */
export type ToWorker =
  { readonly kind: 'parts'; readonly parts: Parts } | { readonly kind: 'run'; readonly order: RunOrder };
