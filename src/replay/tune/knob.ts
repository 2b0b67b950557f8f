import type { Path } from '../../policy/manifest/documents.js';
import { scaledObjectSchema } from '../../policy/manifest/scaled-object.js';
import { metadataSchema, parseMetadata } from '../../policy/metadata.js';
import { nearest } from '../../policy/nearest.js';

/** A field of the manifest that a search may vary. */
export interface Knob {
  /** As the user names it: a key of the trigger's metadata, or the end of the path of a field of the spec. */
  readonly key: string;
  /** For the head of a column. */
  readonly label: string;
  /** From the ScaledObject's root. */
  readonly path: Path;
  readonly of: 'metadata' | 'spec';
}

/** A key or a value that cannot be searched: which, what was expected, and what to do. */
export class TuneError extends Error {
  override readonly name = 'TuneError';
}

const MEASURED = 'it describes the replica and is measured, not chosen (pilotlight calibrate)';
const NOT_REPLAYED = 'a replay does not read it, so every value would give the same';
const NOT_TUNED: Readonly<Record<string, string>> = {
  slots: MEASURED,
  serviceTime: MEASURED,
  slo: 'it is what the settings are measured by (--slo-wait, --slo-share)',
  dryRun: 'a dry run leaves the replicas as they are',
  query: NOT_REPLAYED,
  workload: NOT_REPLAYED,
  service: NOT_REPLAYED,
  queue: NOT_REPLAYED,
  model: NOT_REPLAYED,
  tier: NOT_REPLAYED,
  prometheusAddress: NOT_REPLAYED,
  scalerAddress: NOT_REPLAYED,
  enableTLS: NOT_REPLAYED,
  unsafeSsl: NOT_REPLAYED,
};

const BEHAVIOR = 'spec.advanced.horizontalPodAutoscalerConfig.behavior';
/** By so much of the end of the path as is enough to know it: its label and the rest of the path. */
const SPEC_FIELDS: Readonly<Record<string, { readonly label: string; readonly under: string }>> = {
  pollingInterval: { label: 'pollingInterval', under: 'spec' },
  cooldownPeriod: { label: 'cooldownPeriod', under: 'spec' },
  minReplicaCount: { label: 'minReplicaCount', under: 'spec' },
  maxReplicaCount: { label: 'maxReplicaCount', under: 'spec' },
  idleReplicaCount: { label: 'idleReplicaCount', under: 'spec' },
  'scaleDown.stabilizationWindowSeconds': { label: 'scaleDown window', under: BEHAVIOR },
  'scaleDown.tolerance': { label: 'scaleDown tolerance', under: BEHAVIOR },
  'scaleDown.selectPolicy': { label: 'scaleDown policy', under: BEHAVIOR },
  'scaleUp.stabilizationWindowSeconds': { label: 'scaleUp window', under: BEHAVIOR },
  'scaleUp.tolerance': { label: 'scaleUp tolerance', under: BEHAVIOR },
  'scaleUp.selectPolicy': { label: 'scaleUp policy', under: BEHAVIOR },
};
const SPEC_KEYS = Object.keys(SPEC_FIELDS);

const METADATA_KEYS = Object.keys(metadataSchema.shape);
const METADATA_PATH: Path = ['spec', 'triggers', 0, 'metadata'];

export const COOLDOWN = specKnob('cooldownPeriod');
export const LEAST_REPLICAS = specKnob('minReplicaCount');
export const SCALE_DOWN_WINDOW = specKnob('scaleDown.stabilizationWindowSeconds');

export function metadataKnob(key: string): Knob {
  return { key, label: key, path: [...METADATA_PATH, key], of: 'metadata' };
}

function specKnob(key: string): Knob {
  const { label, under } = SPEC_FIELDS[key] ?? { label: key, under: 'spec' };
  return { key, label, path: `${under}.${key}`.split('.'), of: 'spec' };
}

/**
 * A key of the metadata, or a field of the spec by any end of its path that no other has: `cooldownPeriod`,
 * `scaleDown.stabilizationWindowSeconds`, `spec.advanced.…`.
 *
 * @throws TuneError
 */
export function knobNamed(name: string): Knob {
  const reason = NOT_TUNED[name];
  if (reason !== undefined) throw new TuneError(`${name} cannot be searched: ${reason}`);
  if (METADATA_KEYS.includes(name)) return metadataKnob(name);
  const [field, another] = SPEC_KEYS.filter((key) => `.${specKnob(key).path.join('.')}`.endsWith(`.${name}`));
  if (field !== undefined && another === undefined) return specKnob(field);
  if (another !== undefined) throw new TuneError(`"${name}" may be ${field} or ${another}; write more of it`);
  const known = [...METADATA_KEYS.filter((key) => NOT_TUNED[key] === undefined), ...SPEC_KEYS];
  const near = nearest(name, known);
  const hint = near === null ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
  throw new TuneError(`no key "${name}" of the metadata or the spec; ${hint}`);
}

/** @throws TuneError for a value that the field cannot have in any manifest */
export function checkValue(knob: Knob, value: string): void {
  const expected = knob.of === 'metadata' ? metadataFault(knob.key, value) : specFault(knob.path, value);
  if (expected !== null) throw new TuneError(`${knob.key}: got "${value}", expected ${expected}`);
}

function metadataFault(key: string, value: string): string | null {
  const parsed = parseMetadata({ profile: 'any', [key]: value });
  if (parsed.ok) return null;
  return parsed.problems.find((each) => each.key === key)?.expected ?? null;
}

/** The smallest ScaledObject with that field, by the schema that manifests are read with. */
function specFault(path: Path, value: string): string | null {
  const field = path
    .slice(1)
    .reduceRight<unknown>((inner, part) => ({ [part]: inner }), specValue(value)) as object;
  const spec = { scaleTargetRef: { name: 'any' }, triggers: [{ type: 'external', metadata: {} }], ...field };
  const parsed = scaledObjectSchema.safeParse({ metadata: { name: 'any' }, spec });
  return parsed.success ? null : (parsed.error.issues[0]?.message ?? 'another value');
}

/** The spec has numbers where it can. */
export function specValue(value: string): string | number {
  return /^\d{1,12}(?:\.\d{1,9})?$/.test(value) ? Number(value) : value;
}
