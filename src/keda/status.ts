import { status, type ServiceError } from '@grpc/grpc-js';
import type { Refusal } from '../ports/decisions.js';

/** More than KEDA shows anywhere; a message travels in a header, of which proxies take some tens of kilobytes. */
const LONGEST_DETAILS = 4096;

/** The one place where a refusal becomes a gRPC status. KEDA treats all codes alike and keeps the replicas (KEDA-PROTOCOL 34, 35). */
export function statusOf(refusal: Refusal): Pick<ServiceError, 'code' | 'details'> {
  switch (refusal.kind) {
    case 'invalid':
      return { code: status.INVALID_ARGUMENT, details: sendable(refusal.why) };
    case 'unavailable':
      return { code: status.UNAVAILABLE, details: sendable(refusal.why) };
  }
}

/** A tenant's text that was cut between two halves of a character cannot be encoded: grpc-js would throw. */
function sendable(details: string): string {
  return details.slice(0, LONGEST_DETAILS).replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}
