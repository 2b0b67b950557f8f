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
  /** What is refused just now; null: nothing that is known, or that anybody has wanted of late. */
  why(): string | null;
}

/** A right that is granted later is found within so long. */
const ASKED_AGAIN_AFTER: Millis = 5 * MINUTE;
/** Who still wants it has asked again by then, so that a feature is not on for the moment between two refusals. */
const WANTED_UNTIL: Millis = 2 * ASKED_AGAIN_AFTER;
/** Namespaces come and go. What is refused again after this long is said again. */
const FORGOTTEN_AFTER: Millis = 60 * MINUTE;

interface Refused {
  readonly at: Millis;
  readonly failure: ApiFailure;
}

/**
 * A feature switches itself off where its right is missing, or the kind of object is unknown to the cluster, and says so
 * once: what is forbidden is not asked for at every turn.
 */
export function openFeature(name: string, writer: Writer, clock: Clock, log: Log): Feature {
  /** The latest comes last. */
  const refused = new Map<string, Refused>();
  // A clock that was set back must not keep it off.
  const isWithin = ({ at }: Refused, time: Millis) => Math.abs(clock.now() - at) < time;
  const refuse = (key: string, failure: ApiFailure) => {
    for (const [each, known] of refused) if (!isWithin(known, FORGOTTEN_AFTER)) refused.delete(each);
    const isNew = !refused.delete(key);
    refused.set(key, { at: clock.now(), failure });
    if (!isNew) return;
    const note = `${name}: off until this is allowed; tried again every ${inWords(ASKED_AGAIN_AFTER)}`;
    log.warn({ why: failure.message }, note);
  };
  const guarded = async <T>(verb: string, asked: Asked, call: () => Promise<T>): Promise<T> => {
    const key = `${verb} ${nameOf(asked)} ${asked.namespace ?? ''}`;
    const before = refused.get(key);
    if (before !== undefined && isWithin(before, ASKED_AGAIN_AFTER)) throw before.failure;
    try {
      const answer = await call();
      if (refused.delete(key)) log.info({}, `${name}: ${verb} ${nameOf(asked)} is allowed now`);
      return answer;
    } catch (error) {
      if (error instanceof ApiFailure && isOff(error, verb)) refuse(key, error);
      throw error;
    }
  };
  return {
    name,
    why: () =>
      [...refused.values()].findLast((each) => isWithin(each, WANTED_UNTIL))?.failure.message ?? null,
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
