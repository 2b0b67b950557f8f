import type { Clock } from '../ports/clock.js';
import { isConflict } from './client/failure.js';
import { list, record, type JsonRecord } from './objects/json.js';
import {
  appliedObject,
  liftChange,
  unmarkingPatch,
  type LiftChange,
  type LiftWish,
} from './scaled-object-lift.js';
import { isMarked, minimumStateOf } from './scaled-object-marks.js';
import { FIELD_MANAGER, type ObjectPath, type Writer } from './write.js';

export type LiftResult =
  | { readonly kind: 'done'; readonly change: LiftChange }
  /** One line; tried again at the next call. `raced`: somebody else was quicker, which is no fault. */
  | { readonly kind: 'failed'; readonly why: string; readonly raced: boolean };

/** Lifts the minimum of ScaledObjects, and puts it back. */
export interface ScaledObjectMinimums {
  /** Makes one ScaledObject's minimum what is wished, by what the API server says of it now. Never rejects. */
  settle(namespace: string, name: string, wish: LiftWish): Promise<LiftResult>;
}

export function openScaledObjectMinimums(writer: Writer, clock: Clock): ScaledObjectMinimums {
  return {
    async settle(namespace, name, wish) {
      const path = { group: 'keda.sh', version: 'v1alpha1', resource: 'scaledobjects', namespace, name };
      try {
        const object = await writer.read(path);
        if (object === null) return { kind: 'done', change: { kind: 'nothing' } };
        const change = liftChange(minimumStateOf(object), wish, clock.now());
        await make(change, object, path, writer);
        return { kind: 'done', change };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { kind: 'failed', why, raced: isConflict(error) };
      }
    },
  };
}

async function make(change: LiftChange, object: JsonRecord, path: ObjectPath, writer: Writer): Promise<void> {
  switch (change.kind) {
    case 'nothing':
      return;
    // By force: the minimum belongs to whoever applied the manifest, and goes back to what they set.
    case 'lift':
      await writer.apply(path, appliedObject(object, change), true);
      return;
    case 'restore': {
      const applied = await writer.apply(path, appliedObject(object, change), true);
      if (isMarked(minimumStateOf(applied))) {
        // A copy or a backup of a lifted one: its marks are not in our managed fields, and an apply without them leaves them.
        const spec = { minReplicaCount: change.to };
        await writer.merge(path, { ...unmarkingPatch(applied, null), spec });
      } else if (change.to !== null) await disown(applied, path, writer);
      return;
    }
    case 'forget':
    case 'tidy': {
      const leftUntil = change.kind === 'forget' ? change.leftUntil : null;
      await disown(await writer.merge(path, unmarkingPatch(object, leftUntil)), path, writer);
      return;
    }
  }
}

/** KEDA writes the status of one that has changed at once, and each of its writes makes ours a conflict. */
const DISOWNED_WITHIN = 3;

/**
 * Takes us out of the managed fields. The value stays and belongs to nobody, so that whoever applies the manifest server-side
 * can change it: while it were ours, their next apply would be a conflict. The change itself is made: a failure here is none.
 */
async function disown(changed: JsonRecord, path: ObjectPath, writer: Writer): Promise<void> {
  let object: JsonRecord | null = changed;
  for (let tries = 1; object !== null && tries <= DISOWNED_WITHIN; tries += 1) {
    const { resourceVersion, managedFields } = record(object['metadata']);
    const managers = list(managedFields);
    const others = managers.filter((each) => record(each)['manager'] !== FIELD_MANAGER);
    if (others.length === managers.length) return;
    // An empty list would change nothing: it may come from a client that knows nothing of the field.
    const metadata = { resourceVersion, managedFields: others.length === 0 ? [{}] : others };
    try {
      await writer.merge(path, { metadata });
      return;
    } catch (error) {
      if (!isConflict(error)) return;
      object = await writer.read(path).catch(() => null);
    }
  }
}
