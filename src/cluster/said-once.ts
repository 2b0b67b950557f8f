import type { Log } from './log.js';

/**
 * A log for several watches of one API server. What is wrong with the server is wrong for each of them, in the same words,
 * and is said by the first; what is wrong with one resource names it and is said of each.
 */
export function saidOnce(log: Log): Log {
  /** By resource, until it is watched again. */
  const trouble = new Map<unknown, string>();
  return {
    info(details, message) {
      trouble.delete(resourceOf(details));
      log.info(details, message);
    },
    warn(details, message) {
      if (!message.includes('the API server')) return log.warn(details, message);
      const isKnown = [...trouble.values()].includes(message);
      trouble.set(resourceOf(details), message);
      if (!isKnown) log.warn(details, message);
    },
  };
}

function resourceOf(details: object): unknown {
  return 'resource' in details ? details.resource : null;
}
