import { z } from 'zod';
import { decide } from '../../core/decide.js';
import type { Observation } from '../../core/observation.js';
import { POLICY_DEFAULTS, type Policy } from '../../core/policy.js';
import { initialState, type State } from '../../core/state.js';

/** A decision log that cannot be read: what is wrong with the line, and what to do. */
export class LogError extends Error {
  override readonly name = 'LogError';
}

/** A decision that is no longer made as it was. */
export interface Difference {
  readonly trigger: string;
  /** The first field that differs, as `stages[0].why`. */
  readonly field: string;
  /** JSON of that field; null where it is not there. */
  readonly logged: string | null;
  readonly decided: string | null;
}

/** As the decision log has it. What core reads of it is core's to know; what is missing there shows when it decides. */
const stepSchema = z.looseObject({
  trigger: z.string(),
  policy: z.custom<Policy>(isRecord).optional(),
  leadTime: z.number().optional(),
  now: z.number(),
  observation: z.custom<Observation>((value) => isRecord(value) && Array.isArray(value['readings'])),
  decision: z.custom<Record<string, unknown>>(isRecord),
});
type LoggedStep = z.infer<typeof stepSchema>;

/** A trigger's past so far. */
interface Known {
  readonly policy: Policy;
  readonly state: State;
}

/**
 * Decides each step of a decision log again, from the observation that it holds and the state that the steps before it
 * left, and compares the decisions as JSON, byte for byte.
 *
 * @returns takes the lines of a log in their order; null for a step that is decided as it was
 * @throws LogError from the returned function
 */
export function redecider(): (line: string) => Difference | null {
  const triggers = new Map<string, Known>();
  return (line) => {
    const step = parsedStep(line);
    // Settings that came later are not in an older log, and had no effect then.
    const known =
      step.policy === undefined
        ? triggers.get(step.trigger)
        : { policy: { ...POLICY_DEFAULTS, ...step.policy }, state: initialState };
    if (known === undefined) {
      throw new LogError(
        `no step of ${step.trigger} with its policy comes before this one; the log must begin where the server began it`,
      );
    }
    const { state, decision } = decided(known, step);
    triggers.set(step.trigger, { policy: known.policy, state });
    const again = JSON.stringify(decision);
    if (again === JSON.stringify(step.decision)) return null;
    return { trigger: step.trigger, ...firstDifference(step.decision, JSON.parse(again), '') };
  };
}

function parsedStep(line: string): LoggedStep {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new LogError(
      'not JSON; a server that was killed may leave half a line at the end, which can be removed',
    );
  }
  const parsed = stepSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new LogError(
    `no step of a decision log: ${field === '' ? 'not an object' : `${field} is missing or wrong`}`,
  );
}

function decided(
  { state, policy }: Known,
  { observation, leadTime, now }: LoggedStep,
): ReturnType<typeof decide> {
  try {
    return decide(state, observation, leadTime === undefined ? policy : { ...policy, leadTime }, now);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LogError(`cannot be decided again (${why}); another version may have written it`);
  }
}

/** Depth first, in the order of the logged fields, then those that only the new decision has. */
function firstDifference(logged: unknown, decided: unknown, path: string): Omit<Difference, 'trigger'> {
  if (isTree(logged) && isTree(decided) && Array.isArray(logged) === Array.isArray(decided)) {
    for (const key of new Set([...Object.keys(logged), ...Object.keys(decided)])) {
      if (JSON.stringify(logged[key]) === JSON.stringify(decided[key])) continue;
      const inner = Array.isArray(logged) ? `${path}[${key}]` : `${path}${path === '' ? '' : '.'}${key}`;
      return firstDifference(logged[key], decided[key], inner);
    }
    return {
      field: `${path === '' ? 'the decision' : path}: the order of its fields`,
      logged: null,
      decided: null,
    };
  }
  return { field: path, logged: shown(logged), decided: shown(decided) };
}

function shown(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isTree(value) && !Array.isArray(value);
}
