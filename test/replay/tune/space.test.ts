import { describe, expect, it } from 'vitest';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { prepare } from '../../../src/replay/tune/candidate.js';
import { checkSpace } from '../../../src/replay/tune/check-space.js';
import { defaultSpace } from '../../../src/replay/tune/default-space.js';
import { knobNamed } from '../../../src/replay/tune/knob.js';
import { withPresent } from '../../../src/replay/tune/present.js';
import { allPoints, changesAt, combinations, spaceOf, startPoint } from '../../../src/replay/tune/space.js';
import { profiles } from '../pilotlight/scaled-objects.js';
import { baseOf, scaledObjectText } from './manifests.js';

describe('spaceOf', () => {
  it('takes keys of the metadata and fields of the spec, by the end of their path', () => {
    const keys = ['target', 'cooldownPeriod', 'spec.minReplicaCount', 'scaleDown.stabilizationWindowSeconds'];
    const paths = keys.map((key) => knobNamed(key).path.join('.'));
    expect(paths).toEqual([
      'spec.triggers.0.metadata.target',
      'spec.cooldownPeriod',
      'spec.minReplicaCount',
      'spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds',
    ]);
  });

  it('has each value once, begins at now, and changes nothing there', () => {
    const space = spaceOf(['target=2, 4,2', 'burst=off,now', 'target=8']);
    expect(space.map(({ options }) => options.map(({ shown }) => shown))).toEqual([
      ['2', '4', '8'],
      ['off', 'now'],
    ]);
    expect([combinations(space), [...allPoints(space)].length]).toEqual([6, 6]);
    expect(changesAt(space, startPoint(space)).map(({ value }) => value)).toEqual(['4']);
  });

  it('separates values with commas in them by semicolons', () => {
    const [profile] = spaceOf(['profile=vllm-running,vllm-waiting;vllm-concurrency']);
    expect(profile?.options.map(({ value }) => value)).toEqual([
      'vllm-running,vllm-waiting',
      'vllm-concurrency',
    ]);
  });

  it.each([
    ['targt=2', /no key "targt" of the metadata or the spec; did you mean target\?/],
    ['coldownPeriod=2', /did you mean cooldownPeriod\?/],
    ['qqqqqqqqq=2', /expected one of profile, target, .*scaleDown\.stabilizationWindowSeconds/],
    ['stabilizationWindowSeconds=2', /may be scaleDown\.\S+ or scaleUp\.\S+; write more of it/],
    ['target', /got "target", expected KEY=VALUE,VALUE/],
    ['target=2,,3', /target: a value is empty in "2,,3"/],
    ['tolerance=2', /tolerance: got "2", expected a share from 0 to below 1/],
    ['cooldownPeriod=5m', /cooldownPeriod: got "5m", expected a whole number ≥ 0/],
    ['scaleDown.selectPolicy=Most', /expected one of Max, Min, Disabled/],
    ['slots=2,4', /slots cannot be searched: it describes the replica and is measured/],
    ['dryRun=true', /a dry run leaves the replicas as they are/],
  ])('refuses %s', (text, message) => {
    expect(() => spaceOf([text])).toThrow(message);
  });
});

describe('withPresent', () => {
  it('shows what holds now, stated or by default', () => {
    const base = baseOf(scaledObjectText({ metadata: ["tolerance: '0.2'"] }));
    const manifest = readManifest(base.text, base.file);
    const trigger = replayTrigger(manifest, base.given, 8, profiles);
    const keys = [
      'target',
      'tolerance',
      'burst',
      'cooldownPeriod',
      'idleReplicaCount',
      'scaleDown.tolerance',
    ];
    const space = withPresent(spaceOf(keys.map((key) => `${key}=now`)), manifest, trigger);
    const shown = space.map(({ options }) => options[0]?.shown);
    expect(shown).toEqual(['2.8', '0.2', 'on', '300', 'now', '0.1']);
  });
});

describe('checkSpace', () => {
  it('refuses a value that fits no setting, and lets pairs pass that only fit each other', () => {
    const base = baseOf(scaledObjectText({ metadata: ["maxReplicas: '2'"] }));
    expect(() => checkSpace(base, spaceOf(['profile=vllm-concurency']))).toThrow(
      /profile=vllm-concurency: .*Did you mean vllm-concurrency/,
    );
    expect(() => checkSpace(base, spaceOf(['minReplicas=4']))).toThrow(
      /minReplicas=4: .*at most maxReplicas/,
    );
    expect(() => checkSpace(base, spaceOf(['minReplicas=4', 'maxReplicas=8']))).not.toThrow();
  });
});

describe('prepare', () => {
  const print = (...set: string[]) => {
    const prepared = prepare(
      baseOf(scaledObjectText()),
      changesAt(
        spaceOf(set),
        set.map(() => 0),
      ),
    );
    return prepared.ok ? prepared.candidate.fingerprint : prepared.why;
  };

  it('knows what runs alike: a cooldown means nothing to one that keeps a replica', () => {
    expect(print('cooldownPeriod=900')).not.toBe(print('cooldownPeriod=300'));
    expect(print('minReplicaCount=1', 'cooldownPeriod=900')).toBe(print('minReplicaCount=1'));
    expect(print('target=2.8')).toBe(print('target=now'));
  });

  it('says why values do not go together', () => {
    expect(print('minReplicaCount=9')).toBe('minReplicaCount 9 is above maxReplicaCount 8');
  });
});

describe('defaultSpace', () => {
  const shownFor = (metadata: readonly string[], slots: number | null = 4) => {
    const base = baseOf(scaledObjectText({ metadata }).replace(/ {8}profile: .*\n/, ''));
    const manifest = readManifest(base.text, base.file);
    const space = defaultSpace(manifest, replayTrigger(manifest, base.given, 8, profiles), slots);
    for (const { options, start } of space) expect(options[start]?.value).toBeNull();
    checkSpace(base, space);
    return Object.fromEntries(
      space.map(({ knob, options }) => [knob.key, options.map(({ shown }) => shown).join(' ')]),
    );
  };

  it('takes multiples of the target by what the signal is', () => {
    expect(shownFor(['profile: vllm-concurrency'])['target']).toBe('1.96 2.38 2.8 3.36 4.2 5.6');
    expect(shownFor(['profile: vllm-waiting', "target: '4'"])['target']).toBe('1 2 4 8 16');
    expect(shownFor(['profile: vllm-running', "target: '3'"])['target']).toBe('2.1 2.55 3 3.45 3.8');
    expect(shownFor(['profile: dcgm-gpu-util', "target: '80'"])['target']).toBe('56 68 80 92 95');
    expect(shownFor(['profile: dcgm-gpu-util', "target: '95'"])['target']).toBe('66.5 80.8 95');
  });

  it('moves the targets of several profiles together and leaves the wake profile’s', () => {
    const metadata = [
      'profile: vllm-concurrency,dcgm-gpu-util',
      "target: 'dcgm-gpu-util=40,gateway-rps=0.5'",
    ];
    const manifest = readManifest(
      scaledObjectText({ metadata }).replace(/ {8}profile: vllm-concurrency\n/, ''),
      'chat.yaml',
    );
    const trigger = replayTrigger(manifest, { slots: 4, serviceTime: 8 }, 8, profiles);
    const [target] = defaultSpace(manifest, trigger, 4);
    expect(target?.options[0]).toEqual({
      value: 'vllm-concurrency=1.96,dcgm-gpu-util=28,gateway-rps=0.5',
      shown: '1.96/28',
    });
  });

  it('asks for a forecast only where the trigger says what in time means', () => {
    expect(shownFor(['profile: vllm-concurrency'])).toMatchObject({ burst: 'on off' });
    const withSlo = shownFor(['profile: vllm-concurrency', 'slo: 10s@99%']);
    expect([withSlo['burst'], withSlo['forecast']]).toEqual([undefined, 'off auto']);
  });
});
