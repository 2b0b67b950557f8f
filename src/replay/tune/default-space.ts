import { HPA_DEFAULTS, hpaBehavior, kedaSettings } from '../../policy/manifest/defaults.js';
import type { Profile } from '../../policy/profile.js';
import type { Trigger } from '../../policy/trigger.js';
import type { ReplayManifest } from '../pilotlight/manifest.js';
import { decimal } from './decimal.js';
import { COOLDOWN, LEAST_REPLICAS, metadataKnob, SCALE_DOWN_WINDOW } from './knob.js';
import type { Dimension, Option, Space } from './space.js';

/**
 * Multiples of the target by what the signal is. A load has its sensible targets near the capacity: with the usual 0.7
 * of the slots, 1.5 × is a little more than all of them, which an `slo` of more than a service time bears. A share ends
 * before the whole. Waiting has no such anchor, and a guess may be wrong by far.
 */
const OF_CAPACITY = [0.7, 0.85, 1.2, 1.5, 2];
const OF_SHARE = [0.7, 0.85, 1.15, 1.3];
const OF_WAITING = [0.25, 0.5, 2, 4];

const COOLDOWN_SECONDS = [300, 900, 1800];
const WINDOW_SECONDS = [120, 300, 900, 1800];
const LEAST = [0, 1];

/**
 * What is searched where the user names nothing: the targets, the least replicas, the time to zero, the HPA's window for
 * scaling down, and whether to burst or, where the trigger says what in time means, to forecast: some 200 settings. The manifest's own values are among
 * them and are not written.
 *
 * @param slots that one replica has; null: not known
 */
export function defaultSpace(manifest: ReplayManifest, trigger: Trigger, slots: number | null): Space {
  const { spec, metadata } = manifest;
  const { minReplicaCount, idleReplicaCount, cooldownPeriod, reachesZero } = kedaSettings(spec);
  const window =
    hpaBehavior(spec)?.scaleDown.stabilizationWindowSeconds ?? HPA_DEFAULTS.scaleDownStabilization;
  const leastIsFree = idleReplicaCount === null && trigger.policy.minReplicas <= Math.max(1, minReplicaCount);
  const sleeps = reachesZero || leastIsFree;
  return [
    targetDimension(metadata, trigger, slots),
    ...(leastIsFree ? [dimension(LEAST_REPLICAS, minReplicaCount, LEAST)] : []),
    ...(sleeps ? [dimension(COOLDOWN, cooldownPeriod, COOLDOWN_SECONDS)] : []),
    dimension(SCALE_DOWN_WINDOW, window, WINDOW_SECONDS),
    forecastDimension(metadata) ?? words('burst', trigger.policy.burst ? 'on' : 'off', ['on', 'off']),
  ];
}

function dimension(knob: Dimension['knob'], now: number, others: readonly number[]): Dimension {
  const values = [...new Set([now, ...others])].toSorted((a, b) => a - b);
  const options = values.map((value): Option => {
    return { value: value === now ? null : String(value), shown: String(value) };
  });
  return { knob, options, start: values.indexOf(now) };
}

function words(key: string, now: string, all: readonly string[]): Dimension {
  const options = all.map((value): Option => ({ value: value === now ? null : value, shown: value }));
  return { knob: metadataKnob(key), options, start: all.indexOf(now) };
}

/** Null where the trigger does not say what in time means, which a forecast needs to know. */
function forecastDimension(metadata: ReplayManifest['metadata']): Dimension | null {
  if (metadata['slo'] === undefined) return null;
  const now = metadata['forecast'] ?? 'off';
  return words('forecast', now, [...new Set(['off', now, 'auto'])]);
}

/** All targets of a trigger go up and down together. */
function targetDimension(
  metadata: ReplayManifest['metadata'],
  { policy, profiles }: Trigger,
  slots: number | null,
): Dimension {
  const [first] = profiles;
  const others = first === undefined ? [] : multiplesFor(first);
  const options = [...others, 1]
    .toSorted((a, b) => a - b)
    .map((multiple): Option => {
      const targets = policy.signals.map(({ target }, index) =>
        scaled(target, multiple, profiles[index], slots),
      );
      const shown = targets.map(decimal).join('/');
      if (multiple === 1) return { value: null, shown };
      return { value: written(metadata['target'], policy.signals, targets), shown };
    });
  // Multiples that the most of a share cuts off alike are one.
  const unlike = options.filter(
    ({ shown, value }, index) =>
      value === null ||
      (options.findIndex((each) => each.shown === shown) === index &&
        !options.some((each) => each.value === null && each.shown === shown)),
  );
  return {
    knob: metadataKnob('target'),
    options: unlike,
    start: unlike.findIndex(({ value }) => value === null),
  };
}

function multiplesFor({ simulate }: Profile): readonly number[] {
  switch (simulate) {
    case 'queue':
    case 'queueTime':
    case 'queueComputeRatio':
      return OF_WAITING;
    case 'running':
    case 'utilisation':
    case 'dutyCycle':
      return OF_SHARE;
    case 'concurrency':
    case 'arrivals':
      return OF_CAPACITY;
  }
}

/** Above this a signal that ends at the whole would have to be full everywhere for the next replica to come. */
const MOST_OF_THE_WHOLE = 0.95;

function scaled(
  target: number,
  multiple: number,
  profile: Profile | undefined,
  slots: number | null,
): number {
  const whole = profile === undefined || multiple <= 1 ? null : wholeOf(profile, target, slots);
  return whole === null
    ? target * multiple
    : Math.max(target, Math.min(target * multiple, MOST_OF_THE_WHOLE * whole));
}

/** What a full replica reports; null: there is no end to it. */
function wholeOf({ simulate, unit }: Profile, target: number, slots: number | null): number | null {
  switch (simulate) {
    case 'running':
      return slots;
    case 'utilisation':
    case 'dutyCycle':
      return unit === 'percent' || target > 1 ? 100 : 1;
    case 'queue':
    case 'concurrency':
    case 'queueTime':
    case 'queueComputeRatio':
    case 'arrivals':
      return null;
  }
}

/** As the trigger takes it: a number for one profile, else pairs. A pair that is no signal's, as the wake profile's, stays. */
function written(
  before: string | undefined,
  signals: Trigger['policy']['signals'],
  targets: readonly number[],
): string {
  const isPairs = before?.includes('=') ?? false;
  if (signals.length === 1 && !isPairs) return decimal(targets[0] ?? 1);
  const names = signals.map(({ profile }) => profile);
  const kept = (isPairs ? (before ?? '').split(',') : [])
    .map((pair) => pair.trim())
    .filter((pair) => !names.includes((pair.split('=', 1)[0] ?? '').trim()));
  return [...names.map((name, index) => `${name}=${decimal(targets[index] ?? 1)}`), ...kept].join(',');
}
