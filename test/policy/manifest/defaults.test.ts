import { describe, expect, it } from 'vitest';
import { hpaBehavior, kedaSettings } from '../../../src/policy/manifest/defaults.js';
import type { ScaledObjectSpec } from '../../../src/policy/manifest/scaled-object.js';

const spec = (given: Partial<ScaledObjectSpec>): ScaledObjectSpec => ({
  scaleTargetRef: { name: 'llama' },
  triggers: [{ type: 'cron', metadata: {} }],
  ...given,
});

describe('kedaSettings', () => {
  it('fills in what KEDA assumes', () => {
    expect(kedaSettings(spec({}))).toEqual({
      pollingInterval: 30,
      cooldownPeriod: 300,
      initialCooldownPeriod: 0,
      minReplicaCount: 0,
      maxReplicaCount: 100,
      idleReplicaCount: null,
      reachesZero: true,
    });
  });

  it.each([
    [{ minReplicaCount: 1 }, false],
    [{ minReplicaCount: 0 }, true],
    [{ minReplicaCount: 2, idleReplicaCount: 0 }, true],
    [{ minReplicaCount: 2, idleReplicaCount: 1 }, false],
  ])('%o reaches zero: %s', (given, reachesZero) => {
    expect(kedaSettings(spec(given)).reachesZero).toBe(reachesZero);
  });
});

describe('hpaBehavior', () => {
  const behavior = (given: object) =>
    hpaBehavior(spec({ advanced: { horizontalPodAutoscalerConfig: { behavior: given } } }));

  it('is null without a behavior: the HPA then has other limits', () => {
    expect(hpaBehavior(spec({ advanced: { horizontalPodAutoscalerConfig: {} } }))).toBeNull();
  });

  it('completes the direction that is given and the one that is not', () => {
    expect(behavior({ scaleDown: { stabilizationWindowSeconds: 0, tolerance: 0 } })).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        tolerance: 0.1,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: {
        stabilizationWindowSeconds: 0,
        tolerance: 0,
        selectPolicy: 'Max',
        policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      },
    });
  });

  it('replaces the policies as a whole', () => {
    const policies = [{ type: 'Pods', value: 1, periodSeconds: 60 }];
    expect(behavior({ scaleUp: { policies } })?.scaleUp.policies).toEqual(policies);
  });
});
