import type { Millis } from '../../core/time.js';
import { inWords, SECOND } from '../../core/time.js';
import { record, text, wholeNumber, type Json } from '../objects/json.js';

export type FailureKind =
  | 'unreachable'
  | 'slow'
  | 'unauthorized'
  | 'forbidden'
  | 'missing'
  | 'gone'
  | 'busy'
  | 'refused'
  /** Somebody else was quicker, or has the field. */
  | 'conflict'
  | 'garbage'
  | 'ended';

/** Why the API server gave nothing useful. The message is one line for an operator, and holds no body and no secret. */
export class ApiFailure extends Error {
  readonly kind: FailureKind;
  /** The server's own wish; null: none. */
  readonly retryAfter: Millis | null;

  constructor(kind: FailureKind, message: string, retryAfter: Millis | null = null) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

/** Whether somebody else was quicker: what is there now is looked at in the next round, and nobody need be told. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiFailure && error.kind === 'conflict';
}

/** What is asked for, in RBAC's words. */
export interface Asked {
  /** `''` is the core group. */
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | null;
}

/** `pods`, `scaledobjects.keda.sh`. */
export function nameOf({ group, resource }: Asked): string {
  return group === '' ? resource : `${resource}.${group}`;
}

const LONGEST = 300;

/** @param status the answer's `Status` object, or anything else that came */
export function refusal(code: number, status: Json, asked: Asked, retryAfterHeader?: string): ApiFailure {
  const said = oneLine(text(record(status)['message']) ?? `HTTP ${code}`);
  const details = record(record(status)['details']);
  const retryAfter = secondsOf(wholeNumber(details['retryAfterSeconds']) ?? Number(retryAfterHeader));
  switch (code) {
    case 401:
      return new ApiFailure(
        'unauthorized',
        `the API server does not accept our credentials (401): ${said}; expected a valid token or client certificate`,
      );
    case 403:
      return new ApiFailure('forbidden', `${missingRule(asked)} (403: ${said})`);
    case 404:
      return new ApiFailure('missing', missing(asked, said));
    case 410:
      return new ApiFailure('gone', `the resource version is too old (410): ${said}`);
    case 429:
    case 503:
    case 504:
      return new ApiFailure('busy', `the API server is busy (${code}): ${said}`, retryAfter);
    default:
      return new ApiFailure('refused', `the API server answered ${code}: ${said}`, retryAfter);
  }
}

/** The rule as it is written into a Role or ClusterRole. */
export function missingRule({ group, resource, namespace }: Asked): string {
  const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["list", "watch"]}`;
  return namespace === null
    ? `a ClusterRole bound to our service account lacks the rule ${rule}`
    : `a Role in namespace ${namespace} bound to our service account lacks the rule ${rule}`;
}

function missing(asked: Asked, said: string): string {
  if (asked.group !== 'keda.sh') return `the API server does not know ${nameOf(asked)} (404): ${said}`;
  return `the API server does not know ${nameOf(asked)} (404): KEDA's CRDs are not installed`;
}

/** What Node's sockets, TLS and DNS throw. */
export function unreachable(error: unknown, where: string): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const said = error instanceof Error ? codeOf(error) : 'unknown';
  return new ApiFailure('unreachable', `cannot reach the API server at ${where}: ${oneLine(said)}`);
}

export function slow(where: string, length: Millis): ApiFailure {
  return new ApiFailure('slow', `the API server at ${where} said nothing for ${inWords(length)}`);
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  const message = error.message === '' ? error.name : error.message;
  return typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message;
}

function secondsOf(seconds: number): Millis | null {
  return Number.isFinite(seconds) && seconds > 0 ? seconds * SECOND : null;
}

export function oneLine(said: string): string {
  const line = said.replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
