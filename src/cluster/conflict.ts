import { ApiFailure } from './client/failure.js';

/** Whether somebody else was quicker: what is there now is looked at in the next round, and nobody need be told. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiFailure && error.message.includes(' (409): ');
}
