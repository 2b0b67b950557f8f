import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { TriggerRef } from '../../src/ports/decisions.js';

/** What a real KEDA asked, in the order it asked: see test/fixtures/keda-transcripts/README.md. */

const head = z.strictObject({
  tls: z.boolean(),
  metrics: z.array(z.string()),
  refs: z.array(
    z.strictObject({ namespace: z.string(), name: z.string(), metadata: z.record(z.string(), z.string()) }),
  ),
});
const at = { t: z.number() };
const called = { ...at, conn: z.number(), ref: z.number(), deadlineMs: z.number().optional() };
const event = z.union([
  z.strictObject({ ...called, call: z.enum(['GetMetricSpec', 'IsActive']) }),
  z.strictObject({ ...called, call: z.literal('GetMetrics'), metric: z.string() }),
  z.strictObject({ ...called, call: z.literal('StreamIsActive'), stream: z.number() }),
  z.strictObject({ ...at, closes: z.number() }),
  z.strictObject({
    ...at,
    active: z.boolean().optional(),
    values: z.record(z.string(), z.number()).optional(),
  }),
]);

export type Event = z.infer<typeof event>;
export type Call = Extract<Event, { call: string }>;
export interface Transcript {
  readonly name: string;
  readonly tls: boolean;
  /** The recorded scaler's, in the order of its specs. */
  readonly metrics: readonly string[];
  /** With our own metadata. */
  readonly refs: readonly TriggerRef[];
  readonly events: readonly Event[];
}

const FOLDER = new URL('../fixtures/keda-transcripts/', import.meta.url).pathname;

export function readTranscript(name: string): Transcript {
  const lines = readFileSync(`${FOLDER}${name}.jsonl`, 'utf8').trimEnd().split('\n');
  const [first, ...rest] = lines.map((line) => JSON.parse(line) as unknown);
  const { tls, metrics, refs } = head.parse(first);
  return {
    name,
    tls,
    metrics,
    refs: refs.map((ref) => ({ ...ref, metadata: ourMetadata(ref.metadata, metrics.length) })),
    events: rest.map((line) => event.parse(line)),
  };
}

/** One profile for each metric of the recorded scaler; with two of them the HPA does the arithmetic. */
export const PROFILES = ['triton-pending', 'vllm-waiting'] as const;

/**
 * The recorded keys, which meant something to the recorded scaler alone, become ours by this table and keep their shape:
 * an empty value stays empty, a `FromEnv` key one. KEDA's own keys and `model`, which both have, stay as they are.
 */
const OURS: Readonly<Record<string, (value: string) => readonly [string, string]>> = {
  emptyKey: (value) => ['service', value],
  fooFromEnv: () => ['holdForFromEnv', '4m'],
  tier: (value) => ['maxReplicas', value === 'gold' ? '50' : '40'],
  which: () => ['scaleDownWindow', '1m'],
};

function ourMetadata(
  recorded: Readonly<Record<string, string>>,
  metrics: number,
): Readonly<Record<string, string>> {
  const profiles = PROFILES.slice(0, metrics);
  return {
    ...Object.fromEntries(Object.entries(recorded).map(([key, value]) => OURS[key]?.(value) ?? [key, value])),
    profile: profiles.join(','),
    target: profiles.map((profile) => `${profile}=10`).join(','),
    ...(metrics > 1 ? { output: 'signal' } : {}),
  };
}
