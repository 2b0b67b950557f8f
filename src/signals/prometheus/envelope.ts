import { QueryFault, quoted } from './fault.js';

/** What an answer holds around its elements, once it is known to be whole and good. */
export interface Envelope {
  readonly resultType: 'vector' | 'scalar';
  /** The elements that are still to be taken; for a scalar the pair of time and value. */
  readonly result: readonly unknown[];
}

interface Answer {
  status?: unknown;
  errorType?: unknown;
  error?: unknown;
  data?: { resultType?: unknown; result?: unknown };
  warnings?: unknown;
  /** VictoriaMetrics in a cluster. */
  isPartial?: unknown;
}

/**
 * Judges an answer.
 *
 * @throws QueryFault `refused` for an error, for a result type that is no instant value and for a partial answer, in
 *   which a pod that is there could look gone
 */
export function envelopeOf(json: unknown): Envelope {
  if (typeof json !== 'object' || json === null) throw notPrometheus();
  const answer: Answer = json;
  if (answer.status === 'error')
    throw new QueryFault('refused', errorText(answer) ?? 'answered with an error');
  if (answer.status !== 'success') throw notPrometheus();
  const warning = partialBecause(answer);
  if (warning !== null) throw new QueryFault('refused', `partial answer: ${warning}`);
  const { resultType, result } = answer.data ?? {};
  if (resultType !== 'vector' && resultType !== 'scalar') throw wrongType(resultType);
  if (!Array.isArray(result)) throw notPrometheus();
  return { resultType, result: result as unknown[] };
}

/** What Prometheus says of an error in its own words, or null when the body is not Prometheus's. */
export function errorText(json: unknown): string | null {
  if (typeof json !== 'object' || json === null) return null;
  const { errorType, error }: Answer = json;
  if (typeof error !== 'string') return null;
  return quoted(typeof errorType === 'string' ? `${errorType}: ${error}` : error);
}

/** Whether Prometheus gave up on the evaluation itself: its own time limit, or its queue. */
export function evaluationTimedOut(json: unknown): boolean {
  return typeof json === 'object' && json !== null && (json as Answer).errorType === 'timeout';
}

/**
 * Prometheus 2.48 to 2.55 put remarks such as "metric might not be a counter" among the warnings, later versions
 * among `infos`. Triton's counters earn that one with every rate; it takes nothing away from the answer.
 */
function partialBecause({ warnings, isPartial }: Answer): string | null {
  if (isPartial === true) return 'not every storage node answered';
  if (!Array.isArray(warnings)) return null;
  const real = warnings.find(
    (text) => !(typeof text === 'string' && text.startsWith('PromQL info:')),
  ) as unknown;
  if (real === undefined) return null;
  return quoted(typeof real === 'string' ? real : JSON.stringify(real));
}

function wrongType(type: unknown): QueryFault {
  const got = typeof type === 'string' ? quoted(type) : 'nothing';
  return new QueryFault('refused', `the query returns ${got}; expected an instant vector or a scalar`);
}

function notPrometheus(): QueryFault {
  return new QueryFault('unusable', 'cannot use the answer: it is not that of /api/v1/query');
}
