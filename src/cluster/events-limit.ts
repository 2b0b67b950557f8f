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
/** All together: fifty at once, and one a second. */
const OF_ALL: Rate = { most: 50, every: 1000 };
/** What has been quiet for so long begins anew. */
const FORGET_AFTER: Millis = 60 * MINUTE;

/** How many events may be written, so that neither etcd nor whoever reads them drowns. */
export class EventLimiter {
  readonly #seen = new Map<string, Seen>();
  readonly #objects = new Map<string, Bucket>();
  readonly #all: Bucket = { tokens: OF_ALL.most, at: 0 };
  #forgotAt: Millis = 0;

  /** @returns events of this kind that were held back since the last that was sent; null: this one is held back */
  admit({ object, reason }: EventKey, now: Millis): number | null {
    this.#forget(now);
    const key = `${object} ${reason}`;
    const seen = this.#seen.get(key);
    const bucket = this.#objects.get(object) ?? { tokens: OF_OBJECT.most, at: now };
    refill(bucket, OF_OBJECT, now);
    refill(this.#all, OF_ALL, now);
    const soon = seen !== undefined && Math.abs(now - seen.sentAt) < SAME_REASON;
    if (soon || bucket.tokens < 1 || this.#all.tokens < 1) {
      if (seen !== undefined) seen.held += 1;
      return null;
    }
    this.#seen.set(key, { sentAt: now, held: 0 });
    bucket.tokens -= 1;
    this.#objects.set(object, bucket);
    this.#all.tokens -= 1;
    return seen?.held ?? 0;
  }

  /** Now and then: a pass over all that was sent within the hour, of which there are 3 650 at most. */
  #forget(now: Millis): void {
    if (Math.abs(now - this.#forgotAt) < MINUTE) return;
    this.#forgotAt = now;
    for (const [key, { sentAt }] of this.#seen)
      if (Math.abs(now - sentAt) >= FORGET_AFTER) this.#seen.delete(key);
    for (const [object, { at }] of this.#objects)
      if (Math.abs(now - at) >= FORGET_AFTER) this.#objects.delete(object);
  }
}

/** A clock that was set back gives nothing, and does not take either. */
function refill(bucket: Bucket, { most, every }: Rate, now: Millis): void {
  const more = Math.max(0, Math.floor((now - bucket.at) / every));
  bucket.tokens = Math.min(most, bucket.tokens + more);
  bucket.at = bucket.tokens === most || now < bucket.at ? now : bucket.at + more * every;
}
