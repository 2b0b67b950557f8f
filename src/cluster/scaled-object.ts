import type { Clock } from '../ports/clock.js';
import { record, text } from './objects/json.js';
import {
  LIFTED_LABEL,
  liftChange,
  liftedObject,
  type LiftChange,
  type LiftWish,
} from './scaled-object-lift.js';
import type { ObjectPath, Writer } from './write.js';

export type LiftResult =
  | { readonly kind: 'done'; readonly change: LiftChange }
  /** One line; tried again at the next call. */
  | { readonly kind: 'failed'; readonly why: string };

/** Lifts the minimum of ScaledObjects, and puts it back. */
export interface ScaledObjectMinimums {
  /** Makes one ScaledObject's minimum what is wished. Never rejects. */
  settle(namespace: string, name: string, wish: LiftWish): Promise<LiftResult>;
  /**
   * `namespace/name` of those that are lifted, by this process or an earlier one: each is to be settled, with `none` where no
   * warm-up is known for it. Rejects with an ApiFailure.
   *
   * @param namespace null: of the whole cluster
   */
  lifted(namespace: string | null): Promise<readonly string[]>;
}

const SCALED_OBJECTS = { group: 'keda.sh', version: 'v1alpha1', resource: 'scaledobjects' } as const;

export function openScaledObjectMinimums(writer: Writer, clock: Clock): ScaledObjectMinimums {
  return {
    async settle(namespace, name, wish) {
      const path: ObjectPath = { ...SCALED_OBJECTS, namespace, name };
      try {
        const object = await writer.read(path);
        if (object === null) return { kind: 'done', change: { kind: 'nothing' } };
        const change = liftChange(object, wish, clock.now());
        // By force: the minimum belongs to whoever applied the manifest, and goes back to what they set.
        if (change.kind !== 'nothing')
          await writer.apply(path, liftedObject(object, change), change.kind !== 'forget');
        return { kind: 'done', change };
      } catch (error) {
        return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
      }
    },
    async lifted(namespace) {
      const objects = await writer.list({ ...SCALED_OBJECTS, namespace }, LIFTED_LABEL);
      return objects.flatMap((object) => {
        const metadata = record(object['metadata']);
        const [at, name] = [text(metadata['namespace']), text(metadata['name'])];
        return at === null || name === null ? [] : [`${at}/${name}`];
      });
    },
  };
}
