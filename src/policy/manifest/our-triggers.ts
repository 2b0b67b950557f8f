import type { ScaledObject, ScaleTrigger } from './scaled-object.js';

/** A trigger with its place in `spec.triggers`, which KEDA also puts into metric names: `s0-…`. */
export interface IndexedTrigger {
  readonly index: number;
  readonly trigger: ScaleTrigger;
}

export function isExternal(trigger: ScaleTrigger): boolean {
  return trigger.type === 'external' || trigger.type === 'external-push';
}

/** Of keda-gpu-scaler, which has a key `profile` too. */
const GPU_SCALER_KEYS = ['targetGpuUtilization', 'targetMemoryUtilization', 'targetValue', 'gpuIndex'];

/** Whether an external trigger is keda-gpu-scaler's, by its usual address or by keys that only it has. */
export function isGpuScaler(trigger: ScaleTrigger): boolean {
  const { metadata } = trigger;
  if (!isExternal(trigger)) return false;
  if (/^keda-gpu-scaler\b/.test(metadata['scalerAddress'] ?? '')) return true;
  return GPU_SCALER_KEYS.some((key) => metadata[key] !== undefined);
}

/** Whether an external trigger is meant for Pilotlight: it names a profile and has no marks of another scaler. */
export function namesProfile(trigger: ScaleTrigger): boolean {
  const { profile, profileFromEnv } = trigger.metadata;
  return isExternal(trigger) && (profile ?? profileFromEnv) !== undefined && !isGpuScaler(trigger);
}

/** Pilotlight's triggers of a ScaledObject, in their order. */
export function ourTriggers(
  scaledObject: ScaledObject,
  isOurs: (trigger: ScaleTrigger) => boolean = namesProfile,
): readonly IndexedTrigger[] {
  return scaledObject.spec.triggers.flatMap((trigger, index) =>
    isOurs(trigger) ? [{ index, trigger }] : [],
  );
}

/** A trigger's metadata as far as the manifest tells it. */
export interface StatedMetadata {
  readonly stated: Readonly<Record<string, string>>;
  /** Keys whose value KEDA takes from the environment of the target's container: given, but unknown here. */
  readonly fromEnv: ReadonlySet<string>;
}

const SUFFIX = 'FromEnv';

/** Takes keys `xFromEnv` apart: their text is the name of a variable, not a value of `x`. */
export function statedMetadata(metadata: Readonly<Record<string, string>>): StatedMetadata {
  const entries = Object.entries(metadata);
  const isFromEnv = (key: string) => key.endsWith(SUFFIX);
  return {
    stated: Object.fromEntries(entries.filter(([key]) => !isFromEnv(key))),
    fromEnv: new Set(
      entries
        .map(([key]) => key)
        .filter(isFromEnv)
        .map((key) => key.slice(0, -SUFFIX.length)),
    ),
  };
}
