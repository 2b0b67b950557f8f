import { inWords, type Millis } from '../core/time.js';
import type { WatchHealth, WatchStatus } from '../ports/cluster.js';
import { nameOf } from './client/failure.js';
import type { Reflector } from './watch/reflector.js';

export type Known =
  | { readonly kind: 'known'; readonly asOf: Millis }
  | { readonly kind: 'unknown'; readonly why: string; readonly since: Millis | null };

/** Whether all of these watches are kept up to date, and as of when the oldest is. */
export function known(reflectors: readonly Reflector[], now: Millis): Known {
  let asOf = now;
  for (const reflector of reflectors) {
    const health = reflector.health();
    const at = reflector.asOf();
    if (health.kind !== 'current' || at === null) {
      const why = inLine(nameOf(reflector.resource), reflector.resource.namespace, health, now);
      return {
        kind: 'unknown',
        why: why ?? 'not listed',
        since: health.kind === 'stale' ? health.since : null,
      };
    }
    asOf = Math.min(asOf, at);
  }
  return { kind: 'known', asOf };
}

/** One line for an operator; null when all is well. */
export function inLine(
  resource: string,
  namespace: string | null,
  health: WatchHealth,
  now: Millis,
): string | null {
  const name = namespace === null ? resource : `${resource} in namespace ${namespace}`;
  switch (health.kind) {
    case 'current':
      return null;
    case 'starting': {
      const why = health.why === null ? '' : `: ${health.why}`;
      return `no cluster access to ${name}: not listed yet after ${inWords(now - health.since)}${why}`;
    }
    case 'stale':
      return `no cluster access to ${name} for ${inWords(now - health.since)}: ${health.why}`;
  }
}

/** Of those that decisions need, the worst: stale before starting. */
export function worst(watches: readonly WatchStatus[]): WatchStatus | null {
  const needed = watches.filter((each) => each.needed);
  return (
    needed.find(({ health }) => health.kind === 'stale') ??
    // One that says why tells more than one that has only just begun.
    needed.find(({ health }) => health.kind === 'starting' && health.why !== null) ??
    needed.find(({ health }) => health.kind === 'starting') ??
    null
  );
}
