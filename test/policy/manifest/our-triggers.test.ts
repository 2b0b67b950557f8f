import { describe, expect, it } from 'vitest';
import { ourTriggers, statedMetadata } from '../../../src/policy/manifest/our-triggers.js';
import type { ScaledObject, ScaleTrigger } from '../../../src/policy/manifest/scaled-object.js';

const scaledObject = (...triggers: ScaleTrigger[]): ScaledObject => ({
  metadata: { name: 'llama' },
  spec: { scaleTargetRef: { name: 'llama' }, triggers },
});
const indices = (...triggers: ScaleTrigger[]) =>
  ourTriggers(scaledObject(...triggers)).map(({ index }) => index);

describe('ourTriggers', () => {
  it('takes external and external-push triggers that name a profile', () => {
    expect(
      indices(
        { type: 'cron', metadata: { profile: 'x' } },
        { type: 'external', metadata: { profile: 'x' } },
        { type: 'external-push', metadata: { profileFromEnv: 'PROFILE' } },
        { type: 'external', metadata: { scalerAddress: 'other:6000' } },
      ),
    ).toEqual([1, 2]);
  });

  it('leaves another scaler its own key of the same name', () => {
    expect(
      indices(
        { type: 'external', metadata: { profile: 'x', scalerAddress: 'keda-gpu-scaler.keda:6000' } },
        { type: 'external', metadata: { profile: 'x', targetValue: '85' } },
      ),
    ).toEqual([]);
  });

  it('takes the caller’s word for it', () => {
    const triggers = ourTriggers(scaledObject({ type: 'cron', metadata: {} }), ({ type }) => type === 'cron');
    expect(triggers.map(({ trigger }) => trigger.type)).toEqual(['cron']);
  });
});

describe('statedMetadata', () => {
  it('keeps apart what the environment decides', () => {
    expect(statedMetadata({ profile: 'x', targetFromEnv: 'TARGET' })).toEqual({
      stated: { profile: 'x' },
      fromEnv: new Set(['target']),
    });
  });
});
