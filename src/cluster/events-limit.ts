import { MINUTE, type Millis } from '../core/time.js';

/** How many events may be written, so that neither etcd nor whoever reads them drowns. Plain data in, plain data out. */

export interface EventKey {
  /** `namespace/name`. */
  readonly object: string;
  readonly reason: string;
}

interface Seen {
  readonly sentAt: Millis;
  /** Since then. */
  readonly held: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: Millis;
}

export interface EventLimits {
  readonly seen: Readonly<Record<string, Seen>>;
  readonly objects: Readonly<Record<string, Bucket>>;
  readonly all: Bucket;
}

/** The same reason of the same object is told at most so often. */
const SAME_REASON: Millis = MINUTE;
/** One object: ten at once, and one more every five minutes, as the API server's own spam filter allows 25. */
const OF_OBJECT = { most: 10, every: 5 * MINUTE };
/** All together: fifty at once, and one a second. */
const OF_ALL = { most: 50, every: 1000 };
/** What has been quiet for so long begins anew. */
const FORGET_AFTER: Millis = 60 * MINUTE;

export const NO_EVENTS: EventLimits = { seen: {}, objects: {}, all: { tokens: OF_ALL.most, at: 0 } };

/** @returns `held`: events of this kind that were held back since the last that was sent; null: this one is held back */
export function limitEvent(
  limits: EventLimits,
  { object, reason }: EventKey,
  now: Millis,
): { readonly limits: EventLimits; readonly held: number | null } {
  const key = `${object} ${reason}`;
  const seen = own(limits.seen, key);
  const bucket = refilled(own(limits.objects, object) ?? { tokens: OF_OBJECT.most, at: now }, OF_OBJECT, now);
  const all = refilled(limits.all, OF_ALL, now);
  const soon = seen !== undefined && Math.abs(now - seen.sentAt) < SAME_REASON;
  if (soon || bucket.tokens < 1 || all.tokens < 1) {
    const kept: Seen = { sentAt: seen?.sentAt ?? -Infinity, held: (seen?.held ?? 0) + 1 };
    return { limits: { ...limits, seen: { ...limits.seen, [key]: kept } }, held: null };
  }
  return {
    limits: {
      seen: { ...recent(limits.seen, ({ sentAt }) => sentAt, now), [key]: { sentAt: now, held: 0 } },
      objects: {
        ...recent(limits.objects, ({ at }) => at, now),
        [object]: { tokens: bucket.tokens - 1, at: bucket.at },
      },
      all: { tokens: all.tokens - 1, at: all.at },
    },
    held: seen?.held ?? 0,
  };
}

function refilled(bucket: Bucket, { most, every }: { most: number; every: Millis }, now: Millis): Bucket {
  // A clock that was set back gives nothing, and does not take either.
  const more = Math.max(0, Math.floor((now - bucket.at) / every));
  if (bucket.tokens + more >= most) return { tokens: most, at: now };
  return { tokens: bucket.tokens + more, at: now < bucket.at ? now : bucket.at + more * every };
}

function recent<T>(
  entries: Readonly<Record<string, T>>,
  at: (entry: T) => Millis,
  now: Millis,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries).filter(([, entry]) => Math.abs(now - at(entry)) < FORGET_AFTER),
  );
}

function own<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}
