import { describe, expect, it } from 'vitest';
import { ManifestError, readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { profiles, scaledObject, type Given } from './scaled-objects.js';

function fault(text: string): string {
  try {
    const manifest = readManifest(text, 'a.yaml');
    replayTrigger(manifest, manifest, 100, profiles);
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
  return 'none';
}

function bounds(given: Given, most = 100): (number | null)[] {
  const { policy } = replayTrigger(
    readManifest(scaledObject(given), 'a.yaml'),
    { slots: 4, serviceTime: 8 },
    most,
    profiles,
  );
  return [policy.minReplicas, policy.maxReplicas];
}

const PROMETHEUS = `
    - type: prometheus
      metadata: { serverAddress: http://prometheus:9090, query: up, threshold: '1' }
`;

describe('a manifest for a replay', () => {
  it('says what its replica can do', () => {
    expect(readManifest(scaledObject(), 'a.yaml')).toMatchObject({
      object: 'llm/chat',
      slots: 4,
      serviceTime: 8,
    });
    const silent = scaledObject({ metadata: { slots: '', serviceTime: '', target: '3' } });
    expect(readManifest(silent, 'a.yaml')).toMatchObject({ slots: null, serviceTime: null });
  });

  it('takes the capacity it is given instead of its own', () => {
    const manifest = readManifest(scaledObject(), 'a.yaml');
    const target = (slots: number | null) =>
      replayTrigger(manifest, { slots, serviceTime: null }, 100, profiles).policy.signals[0]?.target;
    expect(target(10)).toBeCloseTo(7);
    expect(target(null)).toBeCloseTo(2.8);
  });

  it('keeps the stricter bounds', () => {
    expect(bounds({ spec: { minReplicaCount: 2 } }, 12)).toEqual([2, 12]);
    expect(
      bounds({ spec: { minReplicaCount: 1 }, metadata: { minReplicas: '3', maxReplicas: '5' } }),
    ).toEqual([3, 5]);
    expect(bounds({ spec: { minReplicaCount: 2, idleReplicaCount: 0 } })).toEqual([0, 100]);
    expect(bounds({ spec: { minReplicaCount: 5 } }, 3)).toEqual([3, 3]);
  });

  it('names the line of a trigger that is not ours', () => {
    expect(fault(scaledObject() + PROMETHEUS.slice(1))).toMatch(
      /^a\.yaml:17: a prometheus trigger, which is not Pilotlight's; its metric is not simulated, take it out$/,
    );
    const other = scaledObject().replace('profile: vllm-concurrency', 'threshold: "5"');
    expect(fault(other)).toMatch(/^a\.yaml:11: an external-push trigger without profile/);
    const gpuScaler = scaledObject({ metadata: { targetGpuUtilization: '80' } });
    expect(fault(gpuScaler)).toMatch(/^a\.yaml:11: an external-push trigger of keda-gpu-scaler/);
  });

  it('refuses two of our triggers, and names the second', () => {
    const twice = `${scaledObject()}    - type: external\n      metadata: { profile: vllm-waiting }\n`;
    expect(fault(twice)).toMatch(/^a\.yaml:17: a second Pilotlight trigger; replay one at a time/);
  });

  it('refuses what it could not replay as the cluster would run it', () => {
    expect(fault(scaledObject({ spec: { advanced: { scalingModifiers: { formula: 'a' } } } }))).toMatch(
      /^a\.yaml:11: scalingModifiers are not simulated/,
    );
    expect(fault(scaledObject({ trigger: { metricType: 'Utilization' } }))).toMatch(/metricType Utilization/);
    expect(fault(scaledObject({ spec: { minReplicaCount: 30 } }))).toMatch(/minReplicaCount 30 is above/);
    const paused = scaledObject().replace(
      '  namespace: llm\n',
      '  namespace: llm\n  annotations: { autoscaling.keda.sh/paused: "true" }\n',
    );
    expect(fault(paused)).toMatch(/^a\.yaml:6: autoscaling\.keda\.sh\/paused: .*take the annotation out/);
  });

  it('points at the line of a key that is wrong, and at each', () => {
    expect(fault(scaledObject({ metadata: { tolerence: '0.1', holdFor: 'soon' } }))).toBe(
      [
        'a.yaml:18: holdFor: got "soon", expected a duration such as 90s, 5m or 1h30m, at most 24h.',
        'a.yaml:17: tolerence: got "0.1", expected one of the known keys. Did you mean tolerance?',
      ].join('\n'),
    );
    expect(fault(scaledObject({ metadata: { profile: 'vllm-concurency' } }))).toMatch(
      /^a\.yaml:14: profile: .*Did you mean vllm-concurrency\?/,
    );
    expect(fault(scaledObject({ metadata: { slots: '' } }))).toMatch(
      /a target, or slots to work it out from/,
    );
  });

  it('asks for what only a container knows, but for the capacity', () => {
    expect(fault(scaledObject({ metadata: { targetFromEnv: 'TARGET' } }))).toMatch(
      /^a\.yaml:17: targetFromEnv: its value is in a container; write target out/,
    );
    const slotsFromEnv = scaledObject({ metadata: { slots: '', slotsFromEnv: 'MAX_NUM_SEQS', target: '3' } });
    expect(readManifest(slotsFromEnv, 'a.yaml').slots).toBeNull();
  });

  it('wants exactly one ScaledObject, in YAML', () => {
    expect(fault('kind: Deployment\n')).toMatch(/^a\.yaml:1: no ScaledObject/);
    expect(fault(`${scaledObject()}---\n${scaledObject()}`)).toMatch(/^a\.yaml:18: a second ScaledObject/);
    expect(fault('a: [1\n')).toMatch(/^a\.yaml:\d+: not YAML/);
    expect(fault(scaledObject().replace("'8'", '8').replace('"8"', '8'))).toMatch(
      /^a\.yaml:16: spec\.triggers\[0\]\.metadata\.serviceTime: .*in quotes/,
    );
  });
});
