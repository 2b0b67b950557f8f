import { z } from 'zod';
import { parseQuantity, QUANTITY } from './quantity.js';
import { nearest } from './nearest.js';

/**
 * What the operator says of GPU pools, prices, budgets and the GPU memory of replicas: the key `gpu` of the server's
 * configuration file. Everything has a default; without pools nothing is capped.
 */

const name = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/)
  .describe('letters, digits, dots, slashes and dashes, at most 128');
const labels = z.record(
  z.string().min(1).max(316).describe('a label key such as cloud.google.com/gke-nodepool'),
  z.string().max(63).describe('text of at most 63 characters'),
);
const count = z.int().min(0).max(15_000).describe('a whole number from 0 to 15000');
const money = z.number().min(0).max(1e9).describe('an amount of money, 0 or more');
const quantity = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const parsed = parseQuantity(String(value));
    if (parsed !== null && parsed >= 0) return parsed;
    context.addIssue({ code: 'custom', message: 'quantity' });
    return z.NEVER;
  })
  .describe(QUANTITY);
const workload = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/)
  .describe('NAMESPACE/NAME of a ScaledObject');
const namespace = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
  .describe('a namespace such as team-a');
const taint = z.strictObject({
  key: z.string().min(1).max(316).describe('the key of a taint'),
  value: z.string().max(63).default('').describe('text of at most 63 characters'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .describe('NoSchedule, PreferNoSchedule or NoExecute'),
});

const pool = z.strictObject({
  name,
  match: labels
    .refine((value) => Object.keys(value).length > 0)
    .describe('at least one label that its nodes have, such as {cloud.google.com/gke-nodepool: a100}'),
  maxNodes: count.nullable().default(null),
  node: z
    .strictObject({
      resources: z.record(z.string().min(1), quantity).describe('a map such as {nvidia.com/gpu: 8}'),
      labels: labels.default({}),
      taints: z.array(taint).default([]),
    })
    .describe('what a new node has: resources, and labels and taints where pods ask for them')
    .nullable()
    .default(null),
  gpuMemory: quantity.nullable().default(null),
  price: money.nullable().default(null),
  placeholders: count.default(0),
});

const buffer = z
  .enum(['autoscaling.x-k8s.io/v1alpha1', 'autoscaling.x-k8s.io/v1beta1', 'autoscaling.x-k8s.io/v1'])
  .describe('autoscaling.x-k8s.io/v1alpha1, /v1beta1 or /v1');

export const capacityConfigSchema = z.strictObject({
  pools: z.array(pool).max(200).describe('a list of at most 200 pools').default([]),
  extendedResourceToleration: z.boolean().describe('true or false').default(true),
  replicaMemory: z.record(workload, quantity).default({}),
  guaranteed: z.record(workload, count).default({}),
  tierOne: z.array(namespace).max(10_000).describe('a list of namespaces').nullable().default(null),
  prices: z.record(z.string().min(1).describe('a GPU product such as Tesla-T4'), money).default({}),
  currency: z.string().min(1).max(8).describe('1 to 8 characters such as USD').default('USD'),
  budgets: z.record(z.string().min(1).max(63).describe('a namespace'), money).default({}),
  placeholders: z
    .strictObject({
      enabled: z.boolean().describe('true or false').default(false),
      namespace: z.string().min(1).max(63).describe('a namespace').default('pilotlight'),
      priorityClass: z.string().min(1).max(253).describe('a PriorityClass').default('pilotlight-placeholder'),
      image: z.string().min(1).max(512).describe('an image').default('registry.k8s.io/pause:3.10'),
      buffer: buffer.nullable().default(null),
    })
    .prefault({}),
  exactMinimum: z.boolean().describe('true or false').default(false),
  deletionCost: z.boolean().describe('true or false').default(false),
});

/**
 * Quantities in base units: cores, bytes, counts. Prices and budgets are money per hour. `tierOne`: the namespaces whose
 * triggers may say tier 1; null: all.
 */
export type CapacityConfig = z.infer<typeof capacityConfigSchema>;
/**
 * A pool as declared. `maxNodes` null: how far it can grow is not known, and nothing is capped for it; a pool that cannot
 * grow has as many as it has. `price`: of one node, per hour. `placeholders`: the most of them in this pool.
 */
export type PoolConfig = CapacityConfig['pools'][number];

/** A configuration of capacity that cannot be used: where, what it was and what was expected. */
export class CapacityConfigError extends Error {
  override readonly name = 'CapacityConfigError';
}

/** @throws CapacityConfigError naming every fault, one a line */
export function parseCapacityConfig(values: unknown, origin: string): CapacityConfig {
  const parsed = capacityConfigSchema.safeParse(values ?? {});
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, values, origin));
    throw new CapacityConfigError([...new Set(faults)].join('\n'));
  }
  const names = parsed.data.pools.map(({ name }) => name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined) {
    throw new CapacityConfigError(`${origin}: pools: ${twice} is there twice, expected each name once`);
  }
  const useless = uselessIn(parsed.data);
  if (useless !== null) throw new CapacityConfigError(`${origin}: ${useless}`);
  return parsed.data;
}

/** What would be quietly without effect; null: nothing. */
function uselessIn({ pools, placeholders }: CapacityConfig): string | null {
  const held = pools.findIndex((each) => each.placeholders > 0);
  if (placeholders.enabled && held === -1)
    return 'placeholders.enabled: got true, expected a pool with placeholders: the most that there may be in it, such as 4';
  if (!placeholders.enabled && held !== -1)
    return `pools[${held}].placeholders: has no effect, expected placeholders.enabled: true beside it`;
  return null;
}

function faultsOf(issue: z.core.$ZodIssue, values: unknown, origin: string): string[] {
  const where = [origin, dotted(issue.path)].filter((each) => each !== '').join(': ');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return `${where}: no such key ${JSON.stringify(key)}${near === null ? '' : `; did you mean ${near}?`}`;
    });
  }
  const key = issue.code === 'invalid_key' ? issue.path.at(-1) : undefined;
  const value = at(values, issue.path);
  const got = key === undefined ? shown(value) : `the key ${JSON.stringify(key)}`;
  // YAML takes 1 and true for what they look like.
  const isBare = issue.code === 'invalid_type' && issue.expected === 'string' && isScalar(value);
  const quoted = isBare ? `; in quotes: "${value}"` : '';
  return [`${where}: got ${got}, expected ${expected(issue.path, key !== undefined)}${quoted}`];
}

function isScalar(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** `pools[0].maxNodes`. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

function at(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined,
    values,
  );
}

/** The schema at a path, without what wraps it, and the description nearest to it. */
function schemaAt(path: readonly PropertyKey[]): { schema: z.ZodType; words: string | undefined } {
  let { schema, words } = unwrapped(capacityConfigSchema);
  for (const step of path) {
    let next: z.ZodType | undefined;
    if (schema instanceof z.ZodArray) next = schema.element as z.ZodType;
    else if (schema instanceof z.ZodRecord) next = schema.valueType as z.ZodType;
    else if (schema instanceof z.ZodObject) next = schema.shape[String(step)] as z.ZodType | undefined;
    if (next === undefined) break;
    ({ schema, words } = unwrapped(next));
  }
  return { schema, words };
}

function unwrapped(from: z.ZodType): { schema: z.ZodType; words: string | undefined } {
  let schema = from;
  let words = schema.description;
  while (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodPrefault
  ) {
    schema = schema.unwrap() as z.ZodType;
    words ??= schema.description;
  }
  return { schema, words };
}

function expected(path: readonly PropertyKey[], key: boolean): string {
  const { schema, words } = schemaAt(key ? path.slice(0, -1) : path);
  if (key && schema instanceof z.ZodRecord) {
    return (schema.keyType as z.ZodType).description ?? 'another key';
  }
  if (words !== undefined) return words;
  if (schema instanceof z.ZodRecord) return 'a map';
  return schema instanceof z.ZodObject
    ? `an object with ${Object.keys(schema.shape).join(', ')}`
    : 'another value';
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const { schema } = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
