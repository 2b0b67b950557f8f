import type { Path } from '../manifest/documents.js';
import type { Severity } from './finding.js';
import type { Subject, TriggerView } from './subject.js';

/** What a rule found, before it has a line. `reason` and `fix` where this case knows more than the rule. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly severity?: Severity;
  readonly reason?: string;
  readonly fix?: string;
}

export interface Rule {
  readonly code: string;
  readonly title: string;
  readonly severity: Severity;
  readonly reason: string;
  readonly fix: string;
  /** Where the reason comes from: code, documentation or observation, with versions. */
  readonly source: string;
  readonly check: (subject: Subject) => readonly Fault[];
}

/** A check that looks at one trigger at a time. */
export function eachTrigger(
  check: (trigger: TriggerView, subject: Subject) => readonly Fault[],
): Rule['check'] {
  return (subject) => subject.triggers.flatMap((trigger) => check(trigger, subject));
}
