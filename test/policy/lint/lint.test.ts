import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { lintManifest } from '../../../src/policy/lint/lint.js';
import { RULES } from '../../../src/policy/lint/registry.js';
import { shippedContext } from './shipped-profiles.js';

const context = shippedContext();
const codes = (text: string, other = context) => lintManifest(text, 'so.yaml', other).map(({ code }) => code);

function manifest(spec: object): string {
  return stringify({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'llama', namespace: 'chat' },
    spec: { scaleTargetRef: { name: 'llama' }, maxReplicaCount: 8, ...spec },
  });
}

const OURS = {
  type: 'external-push',
  metadata: { scalerAddress: 'pilotlight.keda:50051', profile: 'vllm-concurrency', slots: '64' },
};

describe('lintManifest', () => {
  it('says where, what, why and what to do, with the numbers of the case', () => {
    const metadata = { serverAddress: 'http://p:9090', query: 'avg(DCGM_FI_DEV_GPU_UTIL)', threshold: '80' };
    const text = manifest({ minReplicaCount: 1, triggers: [{ type: 'prometheus', metadata }] });
    expect(lintManifest(text, 'deploy/llama.yaml', context)[0]).toEqual({
      code: 'PL022',
      severity: 'error',
      file: 'deploy/llama.yaml',
      line: 15,
      column: 9,
      object: 'chat/llama',
      message: 'DCGM_FI_DEV_GPU_UTIL is at most 100: with target 80 the HPA asks for at most 2, never for 8',
      reason: expect.stringContaining('ceil(value ÷ target)'),
      fix: expect.stringContaining('metricType: Value'),
    });
  });

  it('finds nothing where there is no ScaledObject', () => {
    expect(codes('kind: ConfigMap\napiVersion: v1\n')).toEqual([]);
    expect(codes('')).toEqual([]);
  });

  it('reports a document that is no YAML and lints the others', () => {
    const findings = lintManifest(
      `kind: [ScaledObject\n---\n${manifest({ triggers: [OURS] })}`,
      'so.yaml',
      context,
    );
    expect(findings).toEqual([expect.objectContaining({ code: 'PL001', severity: 'error', object: '' })]);
  });

  it('offers the nearest key for a typo', () => {
    const metadata = { ...OURS.metadata, tolerence: '0.1' };
    const text = manifest({ minReplicaCount: 1, triggers: [{ ...OURS, metadata }] });
    expect(lintManifest(text, 'so.yaml', context)).toEqual([
      expect.objectContaining({ code: 'PL002', fix: 'Write tolerance.', line: 17 }),
    ]);
  });

  it('sorts by place', () => {
    const text = manifest({
      cooldownPeriod: 30,
      triggers: [{ ...OURS, type: 'external', metricType: 'Value' }],
    });
    const lines = lintManifest(text, 'so.yaml', context).map(({ line }) => line);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  });
});

describe('the cold start', () => {
  const text = manifest({ triggers: [OURS] });

  it('is 4 min where nobody says', () => {
    expect(codes(text)).toEqual([]);
    expect(codes(manifest({ cooldownPeriod: 239, triggers: [OURS] }))).toEqual(['PL042']);
    expect(codes(manifest({ cooldownPeriod: 240, triggers: [OURS] }))).toEqual([]);
  });

  it('is the caller’s', () => {
    expect(codes(text, { ...context, coldStart: 480_000 })).toEqual(['PL042']);
  });

  it('is the trigger’s before all', () => {
    const stated = manifest({ triggers: [{ ...OURS, metadata: { ...OURS.metadata, leadTime: '4m' } }] });
    const lenient = { ...context, checkMetadata: () => [] };
    expect(codes(stated, { ...lenient, coldStart: 480_000 })).toEqual([]);
    expect(codes(stated.replace('4m', '8m'), lenient)).toEqual(['PL042']);
  });
});

describe('any ScaledObject', () => {
  const count = fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined });
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '0',
      '1',
      '0.1',
      '10m',
      'none',
      'true',
      'vllm-waiting',
      'a:1',
      'avg(x_ratio)',
      'tgi_queue_size',
    ),
  );
  const key = fc.constantFrom(
    ...'profile wake target slots output tolerance minReplicas maxReplicas scaleDownWindow query threshold'.split(
      ' ',
    ),
    ...'scalerAddress desiredReplicas ignoreNullValues metricType targetValue filter slotsFromEnv __proto__'.split(
      ' ',
    ),
  );
  const trigger = fc.record(
    {
      type: fc.constantFrom(
        'external',
        'external-push',
        'prometheus',
        'cron',
        'cpu',
        'metrics-api',
        'gcp-stackdriver',
      ),
      name: fc.constantFrom('', 'a', 'b'),
      metricType: fc.constantFrom('AverageValue', 'Value', 'Utilization'),
      useCachedMetrics: fc.boolean(),
      metadata: fc.dictionary(key, value),
    },
    { requiredKeys: ['type', 'metadata'] },
  );
  const spec = fc.record({
    pollingInterval: count,
    cooldownPeriod: count,
    minReplicaCount: count,
    maxReplicaCount: count,
    idleReplicaCount: count,
    fallback: fc.option(fc.record({ failureThreshold: fc.nat(3), replicas: fc.nat(9) }), { nil: undefined }),
    triggers: fc.array(trigger, { maxLength: 4 }),
  });

  it('is linted without a throw, with known codes and lines inside the file', () => {
    const known = new Set(RULES.map(({ code }) => code));
    fc.assert(
      fc.property(spec, (given) => {
        const text = manifest(given);
        const lines = text.split('\n').length;
        for (const finding of lintManifest(text, 'so.yaml', context)) {
          expect(known).toContain(finding.code);
          expect(finding.line).toBeGreaterThanOrEqual(1);
          expect(finding.line).toBeLessThanOrEqual(lines);
          expect(finding.message).not.toMatch(/undefined|NaN|\[object/);
        }
      }),
      { numRuns: 300 },
    );
  });
});
