import { status, type ServiceError } from '@grpc/grpc-js';
import type { Refusal } from '../ports/decisions.js';

/** The one place where a refusal becomes a gRPC status. KEDA treats all codes alike and keeps the replicas (KEDA-PROTOCOL 34, 35). */
export function statusOf(refusal: Refusal): Pick<ServiceError, 'code' | 'details'> {
  switch (refusal.kind) {
    case 'invalid':
      return { code: status.INVALID_ARGUMENT, details: refusal.why };
    case 'unavailable':
      return { code: status.UNAVAILABLE, details: refusal.why };
  }
}
