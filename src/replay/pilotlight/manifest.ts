import type { Policy } from '../../core/policy.js';
import { SECOND } from '../../core/time.js';
import { kedaSettings } from '../../policy/manifest/defaults.js';
import type { Path } from '../../policy/manifest/documents.js';
import { parseManifests, type Manifest } from '../../policy/manifest/manifests.js';
import { isGpuScaler, ourTriggers, statedMetadata } from '../../policy/manifest/our-triggers.js';
import type { ScaledObjectSpec } from '../../policy/manifest/scaled-object.js';
import { parseMetadata, type MetadataProblem } from '../../policy/metadata.js';
import { compileTrigger, type Profiles, type Trigger } from '../../policy/trigger.js';

/** A manifest that cannot be replayed. The message has one line for each fault: `file:line: what, and what to do`. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** What one replica can do; null where nobody has said. */
export interface ReplicaCapacity {
  readonly slots: number | null;
  /** Seconds. */
  readonly serviceTime: number | null;
}

/** A ScaledObject with one trigger, which is Pilotlight's, and what that trigger says of one replica. */
export interface ReplayManifest extends ReplicaCapacity {
  readonly manifest: Manifest;
  /** `namespace/name` */
  readonly object: string;
  readonly spec: ScaledObjectSpec;
  /** The trigger's metadata without what comes from a container's environment, which nobody knows here. */
  readonly metadata: Readonly<Record<string, string>>;
}

const TRIGGERS = ['spec', 'triggers'] as const;
const METADATA = [...TRIGGERS, 0, 'metadata'] as const;
/** Keys that a container may set by its environment, since the replay is told of them otherwise. */
const TOLD_OTHERWISE = ['slots', 'serviceTime'];

/** @throws ManifestError for anything that would make the replay one of another workload than the cluster's */
export function readManifest(text: string, file: string): ReplayManifest {
  const manifest = onlyManifest(text, file);
  const { spec } = manifest.scaledObject;
  checkTriggers(manifest);
  checkSpec(manifest);
  const { stated, fromEnv } = statedMetadata(spec.triggers[0]?.metadata ?? {});
  for (const key of fromEnv) {
    if (TOLD_OTHERWISE.includes(key)) continue;
    const path = [...METADATA, `${key}FromEnv`];
    throw at(manifest, path, `${key}FromEnv: its value is in a container; write ${key} out for the replay`);
  }
  const parsed = parseMetadata(stated);
  if (!parsed.ok) throw metadataError(manifest, parsed.problems);
  const { slots, serviceTime } = parsed.metadata;
  return {
    manifest,
    object: manifest.object,
    spec,
    metadata: stated,
    slots: slots ?? null,
    serviceTime: serviceTime === undefined ? null : serviceTime / SECOND,
  };
}

/**
 * The manifest's trigger as the server would have it, with the ScaledObject's bounds.
 *
 * @param capacity instead of the trigger's own `slots` and `serviceTime`
 * @param maxReplicas on top of the trigger's own
 * @throws ManifestError where the metadata and the profiles do not fit
 */
export function replayTrigger(
  { manifest, metadata, spec }: ReplayManifest,
  capacity: ReplicaCapacity,
  maxReplicas: number,
  profiles: Profiles,
): Trigger {
  const { slots, serviceTime } = capacity;
  const complete = {
    ...metadata,
    ...(slots === null ? {} : { slots: plain(slots) }),
    ...(serviceTime === null ? {} : { serviceTime: plain(serviceTime) }),
  };
  const compiled = compileTrigger(complete, profiles);
  if (!compiled.ok) throw metadataError(manifest, compiled.problems);
  const { trigger } = compiled;
  return { ...trigger, policy: bounded(trigger.policy, spec, maxReplicas) };
}

/**
 * The stricter of the trigger's bounds and the ScaledObject's. With `idleReplicaCount` the least replicas are KEDA's
 * affair: they hold while active, and the decision must be able to say inactive.
 */
function bounded(policy: Policy, spec: ScaledObjectSpec, maxReplicas: number): Policy {
  const { minReplicaCount, idleReplicaCount } = kedaSettings(spec);
  const most = Math.min(policy.maxReplicas ?? maxReplicas, maxReplicas);
  const least =
    idleReplicaCount === null ? Math.max(policy.minReplicas, minReplicaCount) : policy.minReplicas;
  return { ...policy, maxReplicas: most, minReplicas: Math.min(least, most) };
}

function onlyManifest(text: string, file: string): Manifest {
  const { manifests, problems } = parseManifests(text, file);
  if (problems.length > 0) {
    throw new ManifestError(problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  }
  const [manifest, another] = manifests;
  if (manifest === undefined) {
    throw new ManifestError(`${file}:1: no ScaledObject (keda.sh/v1alpha1) here; expected one`);
  }
  if (another === undefined) return manifest;
  const names = manifests.map(({ object }) => object).join(', ');
  throw at(another, [], `a second ScaledObject (${names}); keep one for the replay`);
}

function checkTriggers(manifest: Manifest): void {
  const { scaledObject } = manifest;
  const ours = ourTriggers(scaledObject);
  const foreign = scaledObject.spec.triggers.findIndex(
    (_, index) => !ours.some((each) => each.index === index),
  );
  if (foreign !== -1) {
    const path = [...TRIGGERS, foreign];
    throw at(manifest, path, `${inWords(manifest, foreign)}; its metric is not simulated, take it out`);
  }
  if (ours.length > 1) {
    const remedy = 'replay one at a time, or name several profiles in one';
    throw at(manifest, [...TRIGGERS, 1], `a second Pilotlight trigger; ${remedy}`);
  }
  const [trigger] = scaledObject.spec.triggers;
  if (trigger?.metricType === 'Utilization') {
    const path = [...TRIGGERS, 0, 'metricType'];
    throw at(manifest, path, 'KEDA refuses metricType Utilization for external triggers; leave it out');
  }
}

function inWords({ scaledObject }: Manifest, index: number): string {
  const trigger = scaledObject.spec.triggers[index];
  if (trigger === undefined) return 'no trigger';
  if (isGpuScaler(trigger)) return `an ${trigger.type} trigger of keda-gpu-scaler`;
  const { type } = trigger;
  return type.startsWith('external')
    ? `an ${type} trigger without profile, which is not Pilotlight's`
    : `a ${type} trigger, which is not Pilotlight's`;
}

function checkSpec(manifest: Manifest): void {
  const { metadata, spec } = manifest.scaledObject;
  if (spec.advanced?.scalingModifiers?.formula !== undefined) {
    const path = ['spec', 'advanced', 'scalingModifiers'];
    throw at(manifest, path, 'scalingModifiers are not simulated; take them out');
  }
  const paused = Object.keys(metadata.annotations ?? {}).find((key) =>
    key.startsWith('autoscaling.keda.sh/paused'),
  );
  if (paused !== undefined) {
    const path = ['metadata', 'annotations', paused];
    throw at(manifest, path, `${paused}: a paused ScaledObject does nothing; take the annotation out`);
  }
  const { minReplicaCount, maxReplicaCount } = kedaSettings(spec);
  if (minReplicaCount > maxReplicaCount) {
    const path = ['spec', 'minReplicaCount'];
    throw at(
      manifest,
      path,
      `minReplicaCount ${minReplicaCount} is above maxReplicaCount ${maxReplicaCount}`,
    );
  }
}

function metadataError(manifest: Manifest, problems: readonly MetadataProblem[]): ManifestError {
  const lines = problems.map(({ key, message }) => at(manifest, [...METADATA, key], message).message);
  return new ManifestError(lines.join('\n'));
}

function at(manifest: Manifest, path: Path, message: string): ManifestError {
  return new ManifestError(`${manifest.file}:${manifest.lineOf(path).line}: ${message}`);
}

/** As the metadata's own pattern takes numbers: no exponent, at most six decimals. */
function plain(value: number): string {
  return String(Number(value.toFixed(6)));
}
