import type { Base } from '../../../src/replay/tune/candidate.js';
import { profiles, SETUP } from '../pilotlight/scaled-objects.js';

/** A ScaledObject as people write it: four slots of 8 s, 0 to 8 replicas. */
export function scaledObjectText({
  metadata = [],
  spec = [],
}: { metadata?: readonly string[]; spec?: readonly string[] } = {}): string {
  return [
    'apiVersion: keda.sh/v1alpha1',
    'kind: ScaledObject',
    'metadata:',
    '  name: chat',
    '  namespace: llm',
    'spec:',
    '  scaleTargetRef:',
    '    name: chat',
    '  minReplicaCount: 0',
    '  maxReplicaCount: 8',
    ...spec.map((line) => `  ${line}`),
    '  triggers:',
    '    - type: external-push',
    '      metadata:',
    '        scalerAddress: pilotlight:50051',
    '        profile: vllm-concurrency',
    "        slots: '4'",
    "        serviceTime: '8'",
    '        wake: gateway-rps',
    ...metadata.map((line) => `        ${line}`),
    '',
  ].join('\n');
}

export function baseOf(text: string): Base {
  const given = { slots: 4, serviceTime: 8 };
  return { text, file: 'chat.yaml', profiles, given, setup: { ...SETUP, maxReplicas: 8 }, maxIsGiven: false };
}
