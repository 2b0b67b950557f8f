import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { profileSchema, type Profile } from '../../src/policy/profile.js';
import { compileTrigger, type Trigger } from '../../src/policy/trigger.js';
import { objects, only, repository, text, yamlFiles } from './manifests.js';
import { rendered } from './render.js';

/** A forecast speaks after a quarter of an hour of load. */
const FIRST_FORECAST_SECONDS = 900;
const HEADLESS = 'pilotlight-headless';

/** KEDA's fields that the examples use: another one here is a typo until it is added. */
const scaledObject = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('ScaledObject'),
  metadata: z.strictObject({ name: z.string(), namespace: z.string() }),
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ name: z.string() }),
    minReplicaCount: z.int().min(0),
    maxReplicaCount: z.int().min(1),
    pollingInterval: z.int().min(1).optional(),
    cooldownPeriod: z.int(),
    initialCooldownPeriod: z.int().optional(),
    fallback: z
      .strictObject({
        failureThreshold: z.int().min(1),
        replicas: z.int().min(1),
        behavior: z.literal('currentReplicasIfHigher'),
      })
      .optional(),
    advanced: z
      .strictObject({
        horizontalPodAutoscalerConfig: z.strictObject({
          behavior: z.strictObject({
            scaleUp: z.looseObject({}).optional(),
            scaleDown: z.looseObject({ stabilizationWindowSeconds: z.int() }),
          }),
        }),
      })
      .optional(),
    triggers: z.tuple([
      z.strictObject({ type: z.literal('external-push'), metadata: z.record(z.string(), z.string()) }),
    ]),
  }),
});

const endpoints = z
  .array(z.looseObject({ interval: z.string(), honorLabels: z.literal(false).optional() }))
  .min(1);
const monitor = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('PodMonitor'), spec: z.looseObject({ podMetricsEndpoints: endpoints }) }),
  z.looseObject({ kind: z.literal('ServiceMonitor'), spec: z.looseObject({ endpoints }) }),
  z.looseObject({ kind: z.literal('PodMonitoring'), spec: z.looseObject({ endpoints }) }),
]);

/** Signals that no monitor of ours feeds; each of the files says where they come from. */
const FED_ELSEWHERE = new Set(['bullmq-backlog', 'cpu-util', 'gke-duty-cycle']);

const profiles: ReadonlyMap<string, Profile> = new Map(
  readdirSync(join(repository, 'scalers'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => profileSchema.parse(parse(text(join('scalers', name)))))
    .map((profile) => [profile.name, profile]),
);

function compiled(metadata: Record<string, string>): Trigger {
  const result = compileTrigger(metadata, profiles);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.trigger;
}

/** @param name of a ScaledObject, where the file has several */
function example(path: string, name?: string) {
  const all = objects(text(path));
  const { spec, metadata } = scaledObject.parse(only(all, 'ScaledObject', name));
  const others = all.filter(({ kind }) => kind !== 'ScaledObject' && kind !== 'Deployment');
  const monitors = others.map((each) => monitor.parse(each));
  return { spec, metadata, monitors, trigger: compiled(spec.triggers[0].metadata) };
}

/** Seconds. */
function coldStartOf(path: string): number {
  const coldStart = Number(/^# Cold start: (\d+) s \(/m.exec(text(path))?.[1]);
  expect(coldStart).toBeGreaterThan(0);
  return coldStart;
}

const installation = rendered('deploy/overlays/default');
const EXAMPLES = 'deploy/examples';
const examples = yamlFiles(EXAMPLES)
  // Manifests for a replay of several at once, which has tests of its own.
  .filter((path) => !path.startsWith(`${EXAMPLES}/shared-pool/`))
  .flatMap((path) =>
    [...text(path).matchAll(/^kind: ScaledObject\nmetadata:\n {2}name: (.+)$/gm)].map(
      ([, name = '']) => [path, name] as const,
    ),
  );

test.each([...profiles.keys()])('profile %s has an example of its name', (name) => {
  const { trigger } = example(`${EXAMPLES}/${name}.yaml`);
  expect(trigger.profiles.map((profile) => profile.name)).toEqual([name]);
});

test('the README links every file, or its folder', () => {
  const readme = text(`${EXAMPLES}/README.md`);
  const linked = (path: string) => readme.includes(`](${path})`);
  for (const path of yamlFiles(EXAMPLES).map((each) => relative(EXAMPLES, each)))
    expect(linked(path) || linked(dirname(path)), path).toBe(true);
});

describe.each(examples)('%s: %s', (path, name) => {
  test('asks the headless Service of overlays/default on its gRPC port', () => {
    const service = only(installation, 'Service', HEADLESS);
    const { ports } = service.spec as { ports: [{ port: number }] };
    const { scalerAddress } = example(path, name).spec.triggers[0].metadata;
    expect(scalerAddress).toBe(`${HEADLESS}.${service.metadata.namespace}.svc:${ports[0].port}`);
  });

  test('Pilotlight takes its metadata, and its name for that of the Deployment', () => {
    const { trigger, metadata, spec } = example(path, name);
    expect(trigger.workload?.name ?? metadata.name).toBe(spec.scaleTargetRef.name);
  });

  test('the cooldown is longer than the cold start and many polling intervals', () => {
    const { spec, trigger } = example(path, name);
    if (trigger.policy.forecast !== 'off') return;
    const coldStart = coldStartOf(path);
    expect(spec.cooldownPeriod).toBeGreaterThan(coldStart);
    expect(spec.cooldownPeriod).toBeGreaterThanOrEqual(10 * 30);
    // The HPA's default window is 300 s: a longer cold start needs a longer one.
    const window = spec.advanced?.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds;
    expect(window ?? 300).toBeGreaterThan(coldStart);
  });

  test('a forecast knows the cold start, and nothing waits on top of it but three polls', () => {
    const { spec, trigger } = example(path, name);
    const { forecast, leadTime, slots, serviceTime, slo } = trigger.policy;
    if (forecast === 'off') return;
    expect([slots, serviceTime, slo]).not.toContain(null);
    expect(leadTime).toBe(coldStartOf(path) * 1000);
    expect(spec.cooldownPeriod).toBe(3 * (spec.pollingInterval ?? 30));
    const behavior = spec.advanced?.horizontalPodAutoscalerConfig.behavior;
    expect(behavior?.scaleDown.stabilizationWindowSeconds).toBe(0);
  });

  test('goes to zero only with a signal that is there at zero', () => {
    const { spec, trigger } = example(path, name);
    expect(spec.minReplicaCount).toBeLessThanOrEqual(1);
    if (spec.minReplicaCount > 0) return;
    const waking = trigger.wake === null ? trigger.profiles : [trigger.wake];
    for (const profile of waking) expect(['service', 'queue']).toContain(profile.series);
    expect(trigger.service ?? trigger.queue).not.toBeNull();
    if (trigger.policy.forecast === 'off') expect(spec.initialCooldownPeriod).toBe(spec.cooldownPeriod);
    else expect(spec.initialCooldownPeriod).toBeGreaterThanOrEqual(FIRST_FORECAST_SECONDS);
    expect(spec.fallback).toBeUndefined();
  });

  test('monitors in the same file feed it every 10 to 15 s', () => {
    const { spec, trigger, monitors } = example(path, name);
    const waking = spec.minReplicaCount === 0 && trigger.wake !== null ? [trigger.wake] : [];
    const fed = [...trigger.profiles, ...waking].filter(({ name }) => !FED_ELSEWHERE.has(name));
    expect(monitors).toHaveLength(fed.length);
    for (const { kind, spec: scrape } of monitors) {
      const list = kind === 'PodMonitor' ? scrape.podMetricsEndpoints : scrape.endpoints;
      for (const { interval } of endpoints.parse(list)) expect(interval).toMatch(/^1[0-5]s$/);
    }
  });

  test('a queue is one that a tenant of the namespace may name', () => {
    const { trigger, metadata } = example(path, name);
    const [prefix, queue] = trigger.queue?.split(':') ?? [metadata.namespace];
    expect(prefix === metadata.namespace || queue?.startsWith(`${metadata.namespace}.`)).toBe(true);
  });
});
