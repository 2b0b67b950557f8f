import { inWords, MINUTE, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import { ApiFailure, nameOf, type Asked } from './client/failure.js';
import type { Log } from './log.js';
import type { Writer } from './write.js';

/** Something that is changed in the cluster, and needs rights of its own. */
export interface Feature {
  /** In words for an operator, such as `placeholders`. */
  readonly name: string;
  /** Fails at once what was refused a short while ago. */
  readonly writer: Writer;
  /** What is refused just now; null: nothing that is known. */
  why(): string | null;
}

/** A right that is granted later is found within so long. */
const ASKED_AGAIN_AFTER: Millis = 5 * MINUTE;

/**
 * A feature switches itself off where its right is missing, or the kind of object is unknown to the cluster, and says so
 * once: what is forbidden is not asked for at every turn.
 */
export function openFeature(name: string, writer: Writer, clock: Clock, log: Log): Feature {
  const refused = new Map<string, { readonly until: Millis; readonly failure: ApiFailure }>();
  const guarded = async <T>(verb: string, asked: Asked, call: () => Promise<T>): Promise<T> => {
    const key = `${verb} ${nameOf(asked)} ${asked.namespace ?? ''}`;
    const before = refused.get(key);
    const now = clock.now();
    // A clock that was set back must not keep it off.
    if (before !== undefined && now < before.until && before.until - now <= ASKED_AGAIN_AFTER)
      throw before.failure;
    try {
      const answer = await call();
      if (refused.delete(key)) log.info({}, `${name}: ${verb} ${nameOf(asked)} is allowed now`);
      return answer;
    } catch (error) {
      if (error instanceof ApiFailure && isOff(error, verb)) {
        refused.set(key, { until: clock.now() + ASKED_AGAIN_AFTER, failure: error });
        if (before === undefined) {
          const note = `${name}: off until this is allowed; tried again every ${inWords(ASKED_AGAIN_AFTER)}`;
          log.warn({ why: error.message }, note);
        }
      }
      throw error;
    }
  };
  return {
    name,
    why: () => [...refused.values()].at(-1)?.failure.message ?? null,
    writer: {
      read: (path) => guarded('get', path, () => writer.read(path)),
      list: (collection, selector) => guarded('list', collection, () => writer.list(collection, selector)),
      apply: (path, object, force) => guarded('apply', path, () => writer.apply(path, object, force)),
      merge: (path, patch) => guarded('patch', path, () => writer.merge(path, patch)),
      create: (collection, object) => guarded('create', collection, () => writer.create(collection, object)),
      remove: (path) => guarded('delete', path, () => writer.remove(path)),
    },
  };
}

/** Without an object 404 says that the cluster does not know the kind, or has no such namespace. */
function isOff({ kind }: ApiFailure, verb: string): boolean {
  return kind === 'forbidden' || (kind === 'missing' && (verb === 'list' || verb === 'create'));
}
