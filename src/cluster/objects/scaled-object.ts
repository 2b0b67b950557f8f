import { SECOND, type Millis } from '../../core/time.js';
import { HPA_DEFAULTS, hpaBehavior, kedaSettings, type HpaBehavior } from '../../policy/manifest/defaults.js';
import { isExternal } from '../../policy/manifest/our-triggers.js';
import { scaledObjectSchema, type ScaleTrigger } from '../../policy/manifest/scaled-object.js';
import { ownMinimum } from '../scaled-object-marks.js';
import { record, text, type Json, type JsonRecord } from './json.js';
import { isPaused } from './paused.js';

/** A ScaledObject that names this scaler, as far as it is used. */
export interface SeenScaledObject {
  readonly namespace: string;
  readonly name: string;
  /** Null where the API server gives none, as in what was recorded without. */
  readonly uid: string | null;
  /** As it is written: KEDA also scales other kinds that have a scale subresource. */
  readonly target: { readonly kind: string; readonly name: string };
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly idleReplicas: number | null;
  readonly pollingInterval: Millis;
  readonly cooldown: Millis;
  readonly tolerance: { readonly up: number; readonly down: number };
  readonly behavior: HpaBehavior | null;
  readonly paused: boolean;
}

export type ScaledObjectReading =
  | { readonly kind: 'ours'; readonly scaledObject: SeenScaledObject }
  /** None of its triggers names this scaler. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** @param addresses those under which KEDA reaches this scaler; null: every external trigger is taken to be ours */
export function readScaledObject(
  object: JsonRecord,
  addresses: ReadonlySet<string> | null,
): ScaledObjectReading {
  // Most ScaledObjects of a cluster are none of ours: those are told apart before they are checked.
  const triggers = record(object['spec'])['triggers'];
  if (!Array.isArray(triggers) || !triggers.some((each) => mayBeOurs(each, addresses)))
    return { kind: 'other' };
  const { name, namespace, annotations, uid } = record(object['metadata']);
  const used = withoutNulls({ metadata: { name, namespace, annotations }, spec: object['spec'] });
  const parsed = scaledObjectSchema.safeParse(used);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { kind: 'unreadable', why: `${issue?.path.join('.') ?? ''}: expected ${issue?.message ?? ''}` };
  }
  const { metadata, spec } = parsed.data;
  const keda = kedaSettings(spec);
  const behavior = hpaBehavior(spec);
  return {
    kind: 'ours',
    scaledObject: {
      namespace: metadata.namespace ?? 'default',
      name: metadata.name,
      uid: text(uid),
      target: { kind: spec.scaleTargetRef.kind ?? 'Deployment', name: spec.scaleTargetRef.name },
      minReplicas: ownMinimum(keda.minReplicaCount, metadata.annotations ?? {}),
      maxReplicas: keda.maxReplicaCount,
      idleReplicas: keda.idleReplicaCount,
      pollingInterval: keda.pollingInterval * SECOND,
      cooldown: keda.cooldownPeriod * SECOND,
      tolerance: {
        up: behavior?.scaleUp.tolerance ?? HPA_DEFAULTS.tolerance,
        down: behavior?.scaleDown.tolerance ?? HPA_DEFAULTS.tolerance,
      },
      behavior,
      paused: isPaused(metadata.annotations ?? {}),
    },
  };
}

function mayBeOurs(value: Json, addresses: ReadonlySet<string> | null): boolean {
  const trigger = record(value);
  if (!isExternal({ type: text(trigger['type']) ?? '' } as ScaleTrigger)) return false;
  const address = text(record(trigger['metadata'])['scalerAddress']);
  return addresses === null || (address !== null && addresses.has(address.toLowerCase()));
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}
