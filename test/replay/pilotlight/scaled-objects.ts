import { stringify } from 'yaml';
import { loopsOf } from '../../../src/replay/pilotlight/loops.js';
import { manifestPolicy, type OnStep } from '../../../src/replay/pilotlight/manifest-policy.js';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import type { ReplayPolicy } from '../../../src/replay/policy.js';
import type { Setup } from '../../../src/replay/setup.js';
import { loadProfiles } from '../../../src/server/profiles-folder.js';

export const profiles = loadProfiles(undefined);

/** A replica of 4 slots and 8 s, half a request a second; 4 minutes from asking to Ready. */
export const SETUP: Setup = {
  slots: 4,
  serviceTime: 8,
  slo: 10,
  nodeProvision: 180,
  modelLoad: 60,
  nodeIdle: 600,
  gpusPerNode: 1,
  maxReplicas: 20,
  scrape: 15,
  lag: 15,
  scoreFrom: 0,
};

const METADATA = {
  scalerAddress: 'pilotlight:50051',
  profile: 'vllm-concurrency',
  slots: '4',
  serviceTime: '8',
};

export interface Given {
  readonly spec?: Record<string, unknown>;
  readonly trigger?: Record<string, unknown>;
  readonly metadata?: Record<string, string>;
}

/** A ScaledObject as YAML: external-push, 0 to 20 replicas, but for what the test is about. */
export function scaledObject({ spec = {}, trigger = {}, metadata = {} }: Given = {}): string {
  return stringify({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'chat', namespace: 'llm' },
    spec: {
      scaleTargetRef: { name: 'chat' },
      maxReplicaCount: 20,
      ...spec,
      triggers: [{ type: 'external-push', ...trigger, metadata: { ...METADATA, ...metadata } }],
    },
  });
}

export function policyOf(given: Given = {}, setup: Setup = SETUP, onStep?: OnStep): ReplayPolicy {
  const manifest = readManifest(scaledObject(given), 'chat.yaml');
  const trigger = replayTrigger(manifest, setup, setup.maxReplicas, profiles);
  return manifestPolicy(
    'chat',
    trigger,
    loopsOf(manifest.spec, trigger.metricSpecs, setup.maxReplicas),
    onStep,
  );
}
