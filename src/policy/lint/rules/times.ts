import type { Schedule } from '../../../core/policy.js';
import { DAY, inWords, MINUTE, type Millis } from '../../../core/time.js';
import { parseDuration } from '../../duration.js';
import { createStarts } from '../../starts.js';
import { isTimezone, parseSleepWindows, parseWarmWindows } from '../../windows.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { called, pathOf, type Subject, type TriggerView } from '../subject.js';

/** Rules about a trigger's times: windows, lead time, deadline, slo. */

/** A GPU node (3 min) and loading the model (1 min): quick as such things go. */
export const COLD_START: Millis = 4 * MINUTE;

const DECISIONS = 'docs/schedules.md';

function statedDuration({ ours }: TriggerView, key: string): Millis | null {
  return parseDuration(ours?.stated[key] ?? '');
}

const everyRequest: Rule = {
  code: 'PL013',
  title: 'An slo of 100 %',
  severity: 'warning',
  reason:
    'No number of replicas keeps it: a forecast has no highest load, so planning for every request pays for replicas that ' +
    'nearly never serve, and one late request a month is a failure like any other.',
  fix: 'Say how many may wait longer: 10s@99% is one in a hundred.',
  source: 'Google, Site Reliability Engineering, chapter 4, Service Level Objectives',
  check: eachTrigger((view) => {
    const slo = view.ours?.stated['slo'] ?? '';
    if (!/@100(?:\.0*)?%$/.test(slo)) return [];
    return [{ path: pathOf(view, 'metadata', 'slo'), message: `${called(view)} wants ${slo}` }];
  }),
};

const awakeAtNight: Rule = {
  code: 'PL014',
  title: 'A sleep window in which something keeps replicas',
  severity: 'warning',
  reason:
    'The window makes this trigger inactive and its count 0. KEDA goes to zero only where minReplicaCount or idleReplicaCount is 0 ' +
    'and no other trigger is active.',
  fix: 'Set minReplicaCount: 0, and keep one trigger: several profiles fit into one, profile: a,b.',
  source: 'KEDA 2.20 pkg/scaling/executor/scale_scaledobjects.go, scaleToZeroOrIdle; active is any trigger’s',
  check: (subject) => subject.triggers.flatMap((view) => keptAwake(view, subject)),
};

function keptAwake(view: TriggerView, { settings, triggers }: Subject): Fault[] {
  if (!has(view, 'sleepWindows')) return [];
  const path = pathOf(view, 'metadata', 'sleepWindows');
  if (!settings.reachesZero) {
    const given =
      settings.idleReplicaCount === null
        ? `minReplicaCount is ${settings.minReplicaCount}`
        : `idleReplicaCount is ${settings.idleReplicaCount}`;
    return [{ path, message: `${given}: KEDA keeps as many through the window` }];
  }
  const other = triggers.find((each) => each !== view && !has(each, 'sleepWindows'));
  if (other === undefined) return [];
  return [{ path, message: `${called(other)} knows of no window, and keeps replicas while it is active` }];
}

function has({ ours }: TriggerView, key: string): boolean {
  return ours?.stated[key] !== undefined || ours?.fromEnv.has(key) === true;
}

const lateWindow: Rule = {
  code: 'PL015',
  title: 'A warm window that begins before its replicas serve',
  severity: 'warning',
  reason:
    'The floor is lifted leadTime before the window. Where a cold start takes longer, the window begins without the replicas ' +
    'that it is for.',
  fix: 'Make leadTime as long as a cold start takes, or leave it out.',
  source: `${DECISIONS}, warm windows; a GPU node and the model take 4 min where they are quick`,
  check: eachTrigger((view, { context, settings }) => {
    const lead = statedDuration(view, 'leadTime');
    const coldStart = context.coldStart ?? COLD_START;
    if (lead === null || lead >= coldStart || !has(view, 'warmWindows') || !settings.reachesZero) return [];
    const message = `leadTime is ${inWords(lead)}, a cold start takes ${inWords(coldStart)}: ${inWords(coldStart - lead)} late`;
    return [{ path: pathOf(view, 'metadata', 'leadTime'), message }];
  }),
};

const hopelessDeadline: Rule = {
  code: 'PL016',
  title: 'A deadline shorter than a cold start',
  severity: 'error',
  reason: 'From zero no job can be done in time, however many replicas are started.',
  fix: 'Make the deadline longer than a cold start and one job, or keep replicas: minReplicaCount: 1.',
  source: `${DECISIONS}, deadlines`,
  check: eachTrigger((view, { context, settings }) => {
    const deadline = statedDuration(view, 'deadline');
    const coldStart = statedDuration(view, 'leadTime') ?? context.coldStart ?? COLD_START;
    if (deadline === null || !settings.reachesZero) return [];
    const job = serviceTimeOf(view);
    if (deadline >= coldStart + job) return [];
    const message = `deadline is ${inWords(deadline)}, a cold start takes ${inWords(coldStart)}${job === 0 ? '' : ` and a job ${inWords(job)}`}`;
    return [{ path: pathOf(view, 'metadata', 'deadline'), message }];
  }),
};

function serviceTimeOf(view: TriggerView): Millis {
  const text = view.ours?.stated['serviceTime'] ?? '';
  return /^\d{1,6}(?:\.\d{1,6})?$/.test(text) ? Number(text) * 1000 : (parseDuration(text) ?? 0);
}

const cappedWindow: Rule = {
  code: 'PL017',
  title: 'A warm window above maxReplicaCount',
  severity: 'error',
  reason: 'The HPA stops at maxReplicaCount: the rest of the window’s replicas never comes.',
  fix: 'Raise maxReplicaCount, or ask for fewer.',
  source: 'KEDA 2.20 controllers/keda/hpa.go: the HPA’s bounds come from the ScaledObject alone',
  check: eachTrigger((view, { settings: { maxReplicaCount: max } }) => {
    const warm = parseWarmWindows(view.ours?.stated['warmWindows'] ?? '') ?? [];
    return warm
      .filter(({ replicas }) => replicas > max)
      .map(({ start, replicas }) => ({
        path: pathOf(view, 'metadata', 'warmWindows'),
        message: `${start} wants ${replicas}, maxReplicaCount is ${max}`,
      }));
  }),
};

const overlap: Rule = {
  code: 'PL018',
  title: 'A warm window inside a sleep window',
  severity: 'warning',
  reason:
    'The warm window wins, and while it holds the load counts too: the workload is not at zero for that part of the night.',
  fix: 'Let the sleep window end where the warm window’s lead time begins, if that is not meant.',
  source: `${DECISIONS}, where windows meet`,
  check: eachTrigger((view) => {
    const schedule = statedSchedule(view);
    const met = schedule === null ? null : meeting(schedule);
    if (met === null) return [];
    const message = `${met.warm} begins while ${met.sleep} lasts`;
    return [{ path: pathOf(view, 'metadata', 'sleepWindows'), message }];
  }),
};

function statedSchedule({ ours }: TriggerView): Schedule | null {
  const { warmWindows = '', sleepWindows = '', timezone = 'UTC' } = ours?.stated ?? {};
  const warm = parseWarmWindows(warmWindows);
  const sleep = parseSleepWindows(sleepWindows);
  return warm === null || sleep === null || !isTimezone(timezone) ? null : { timezone, warm, sleep };
}

/** A leap year, which has every day that there can be. */
const FROM: Millis = Date.UTC(2028, 0, 1);
const LOOKED_AT: Millis = 366 * DAY;
const MOST_STARTS = 800;

/** A start of a warm window at which a sleep window lasts on: the lead before it may lie in the sleep, and is meant to. */
function meeting({ timezone, warm, sleep }: Schedule): { warm: string; sleep: string } | null {
  const startsOf = createStarts();
  for (const { start } of warm) {
    let at: Millis | null = FROM;
    for (let count = 0; count < MOST_STARTS && at !== null && at < FROM + LOOKED_AT; count += 1) {
      const now: Millis = at;
      const met = sleep.find((each) => {
        const { last } = startsOf(each.start, timezone, now);
        return last !== null && now < last + each.length;
      });
      if (met !== undefined && count > 0) return { warm: start, sleep: met.start };
      at = startsOf(start, timezone, now).next;
    }
  }
  return null;
}

export const timeRules: readonly Rule[] = [
  everyRequest,
  awakeAtNight,
  lateWindow,
  hopelessDeadline,
  cappedWindow,
  overlap,
];
