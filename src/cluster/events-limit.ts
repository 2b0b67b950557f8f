import { MINUTE, type Millis } from '../core/time.js';

export interface EventKey {
  /** `namespace/name`. */
  readonly object: string;
  readonly reason: string;
}

interface Seen {
  readonly sentAt: Millis;
  /** Since then. */
  held: number;
}

interface Bucket {
  tokens: number;
  at: Millis;
}

interface Rate {
  readonly most: number;
  readonly every: Millis;
}

/** The same reason of the same object is told at most so often. */
const SAME_REASON: Millis = MINUTE;
/** One object: ten at once, and one more every five minutes, as the API server's own spam filter allows 25. */
const OF_OBJECT: Rate = { most: 10, every: 5 * MINUTE };
/** One namespace: twenty at once, and one more every five seconds, so that it leaves the others theirs. */
const OF_NAMESPACE: Rate = { most: 20, every: 5000 };
/** All together: fifty at once, and one a second. */
const OF_ALL: Rate = { most: 50, every: 1000 };
/** What has been quiet for so long begins anew. */
const FORGET_AFTER: Millis = 60 * MINUTE;

/** How many events may be written, so that neither etcd nor whoever reads them drowns. */
export class EventLimiter {
  readonly #seen = new Map<string, Seen>();
  readonly #objects = new Map<string, Bucket>();
  readonly #namespaces = new Map<string, Bucket>();
  readonly #all: Bucket = { tokens: OF_ALL.most, at: 0 };
  #forgotAt: Millis = 0;

  /** @returns events of this kind that were held back since the last that was sent; null: this one is held back */
  admit({ object, reason }: EventKey, now: Millis): number | null {
    this.#forget(now);
    const key = `${object} ${reason}`;
    const seen = this.#seen.get(key);
    const namespace = object.slice(0, object.indexOf('/'));
    const ofObject = refilled(this.#objects.get(object), OF_OBJECT, now);
    const ofNamespace = refilled(this.#namespaces.get(namespace), OF_NAMESPACE, now);
    refill(this.#all, OF_ALL, now);
    const buckets = [ofObject, ofNamespace, this.#all];
    const soon = seen !== undefined && Math.abs(now - seen.sentAt) < SAME_REASON;
    if (soon || buckets.some(({ tokens }) => tokens < 1)) {
      if (seen !== undefined) seen.held += 1;
      return null;
    }
    this.#seen.set(key, { sentAt: now, held: 0 });
    for (const bucket of buckets) bucket.tokens -= 1;
    this.#objects.set(object, ofObject);
    this.#namespaces.set(namespace, ofNamespace);
    return seen?.held ?? 0;
  }

  /** Now and then: a pass over all that was sent within the hour, of which there are 3 650 at most. */
  #forget(now: Millis): void {
    if (Math.abs(now - this.#forgotAt) < MINUTE) return;
    this.#forgotAt = now;
    for (const [key, { sentAt }] of this.#seen)
      if (Math.abs(now - sentAt) >= FORGET_AFTER) this.#seen.delete(key);
    for (const buckets of [this.#objects, this.#namespaces])
      for (const [key, { at }] of buckets) if (Math.abs(now - at) >= FORGET_AFTER) buckets.delete(key);
  }
}

/** A new one is full, and is kept once something is taken from it. */
function refilled(known: Bucket | undefined, rate: Rate, now: Millis): Bucket {
  const bucket = known ?? { tokens: rate.most, at: now };
  refill(bucket, rate, now);
  return bucket;
}

/** A clock that was set back gives nothing, and does not take either. */
function refill(bucket: Bucket, { most, every }: Rate, now: Millis): void {
  const more = Math.max(0, Math.floor((now - bucket.at) / every));
  bucket.tokens = Math.min(most, bucket.tokens + more);
  bucket.at = bucket.tokens === most || now < bucket.at ? now : bucket.at + more * every;
}
