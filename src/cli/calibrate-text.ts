import { stringify } from 'yaml';
import type { Calibration, Reached } from '../replay/calibrate/calibrate.js';
import { waitOf } from '../replay/calibrate/capacity.js';
import { findingsOf, remarkOn } from '../replay/calibrate/findings.js';
import { gainPerDoubling } from '../replay/calibrate/knee.js';
import { metadataOf } from '../replay/calibrate/metadata.js';
import { fullness } from '../replay/calibrate/signals.js';
import { latencyOf, type LoadTest } from '../replay/calibrate/step.js';
import type { Profile } from '../policy/profile.js';
import { number, percent, seconds } from '../replay/calibrate/words.js';
import { table } from './command.js';

/** The result for a terminal. */
export function calibrationText(
  test: LoadTest,
  calibration: Calibration,
  profiles: readonly Profile[],
): string {
  const found = table(findingsOf(calibration));
  const parts = [
    heading(test, calibration),
    stepsTable(calibration, profiles),
    found,
    ...(calibration.kind === 'reached' ? result(calibration, profiles) : []),
    ...listed('Mind', [...test.notes, ...(calibration.kind === 'reached' ? calibration.doubts : [])]),
  ];
  return parts.join('\n\n');
}

function heading({ format, server }: LoadTest, { steps, slo }: Calibration): string {
  const objective = slo === null ? 'without an objective' : `p99 within ${seconds(slo)}`;
  return `${steps.length} steps of one replica${server === null ? '' : ` of ${server}`} (${format}), ${objective}`;
}

const HEADINGS = { concurrency: 'IN FLIGHT', users: 'USERS', rate: 'OFFERED/S' } as const;

function stepsTable(calibration: Calibration, profiles: readonly Profile[]): string {
  const { steps } = calibration;
  const full = steps.map((step) => fullness(step, profiles));
  const names = [...new Set(full.flatMap((each) => [...each.keys()]))].toSorted();
  const serviceTime = calibration.kind === 'reached' ? (calibration.capacity?.serviceTime ?? null) : null;
  const rows = steps.map((step, index) => {
    const before = steps[index - 1];
    return [
      number(step.load),
      number(step.throughput),
      before === undefined ? '-' : signed(gainPerDoubling(before, step)),
      time(latencyOf(step)),
      time(step.p99),
      time(waitOf(step, serviceTime)),
      ...names.map((name) => share(full[index]?.get(name))),
      remarkOn(calibration, index),
    ];
  });
  const load = HEADINGS[steps[0]?.held ?? 'concurrency'];
  const header = [
    load,
    'REQUESTS/S',
    'A DOUBLING',
    'MEAN',
    'P99',
    'WAIT',
    ...names.map((name) => name.toUpperCase()),
    '',
  ];
  return trimmed([header, ...rows]);
}

function result(calibration: Reached, profiles: readonly Profile[]): string[] {
  const rows = calibration.targets.map(({ profile, unit, value, atKnee, measured, unfit }) => {
    const target = profiles.find(({ name }) => name === profile)?.target;
    return [
      profile,
      quantity(value),
      quantity(atKnee),
      typeof target === 'object' ? `${target.perSlot} × slots` : quantity(target ?? null),
      unit,
      unfit ?? (measured ? 'measured' : 'from throughput and times'),
    ];
  });
  const targets = trimmed([['PROFILE', 'TARGET', 'AT THE KNEE', 'DEFAULT', 'UNIT', ''], ...rows]);
  return [...(rows.length === 0 ? [] : [targets]), pasted(calibration)];
}

function trimmed(rows: readonly (readonly string[])[]): string {
  return table(rows).replaceAll(/ +$/gm, '');
}

/** As it stands under a trigger. Which server it was, the person knows where the test does not. */
function pasted(calibration: Reached): string {
  const metadata = metadataOf(calibration);
  const profiles = calibration.choice?.profiles ?? [];
  const choose =
    'profile' in metadata || profiles.length === 0
      ? []
      : ['  # one of these, by the server:', ...profiles.map((name) => `  # profile: ${name}`)];
  const yaml = stringify(metadata, { defaultStringType: 'PLAIN', defaultKeyType: 'PLAIN' });
  const lines = yaml
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
  return ['metadata:', ...choose, ...lines].join('\n');
}

function listed(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [[`${title}:`, ...items.map((item) => `- ${item}`)].join('\n')];
}

function signed(gain: number): string {
  return `${gain < 0 ? '−' : '+'}${(Math.abs(gain) * 100).toFixed(0)} %`;
}

function time(value: number | null): string {
  return value === null ? '-' : seconds(value);
}

function share(value: number | undefined): string {
  return value === undefined ? '-' : percent(value);
}

function quantity(value: number | null): string {
  return value === null ? '-' : number(value);
}
