/** What Prometheus sees, and which alert comes of it. */

export type Labels = Readonly<Record<string, string>>;
/** Values a minute apart, by series. */
export type Input = Readonly<Record<string, string>>;

export interface Fires {
  readonly alert: string;
  readonly input: Input;
  /** Minutes; a minute earlier it does not fire. */
  readonly at: number;
  readonly labels: Labels;
  /** As it stands in the annotations. */
  readonly value?: string;
  /** Others that rightly fire with it. */
  readonly also?: readonly string[];
}

const SCALER = { job: 'pilotlight', instance: 'one' };
const OTHER = { job: 'pilotlight', instance: 'two' };
const OBJECT = { namespace: 'shop', scaledobject: 'llm' };
const TRIGGER = { ...OBJECT, trigger: '0123456789ab' };
const BLIND = { ...TRIGGER, trigger: 'ba9876543210' };

function series(name: string, labels: Labels, scaler: Labels = SCALER): string {
  const text = Object.entries({ ...scaler, ...labels }).map(([label, value]) => `${label}="${value}"`);
  return `pilotlight_${name}{${text.join(',')}}`;
}
const always = (value: number) => `${value}+0x180`;

/** A scaler replica with nothing to do: it ends twelve rounds a minute, of 0.1 s each. */
const ALIVE: Input = {
  [series('tick_duration_seconds_count', {})]: '0+12x180',
  [series('tick_duration_seconds_sum', {})]: '0+1.2x180',
};

export const FIRING: readonly Fires[] = [
  { alert: 'PilotlightDown', input: {}, at: 5, labels: {} },
  {
    // It was scraped for the last time in minute 10.
    alert: 'PilotlightDown',
    input: { [series('tick_duration_seconds_count', {})]: '0+12x10 stale' },
    at: 16,
    labels: {},
  },
  {
    alert: 'PilotlightReplicaDown',
    input: {
      ...ALIVE,
      [series('tick_duration_seconds_count', {}, OTHER)]: '0+12x10 stale',
      'up{job="pilotlight",instance="one"}': always(1),
      'up{job="pilotlight",instance="two"}': '1+0x10 0+0x170',
      'up{job="pilotlight",instance="never"}': always(0),
      'up{job="other",instance="two"}': always(0),
    },
    at: 16,
    labels: OTHER,
  },
  {
    // The last round ended in minute 10.
    alert: 'PilotlightNotDeciding',
    input: { ...ALIVE, [series('tick_duration_seconds_count', {}, OTHER)]: '0+12x10 120+0x170' },
    at: 18,
    labels: OTHER,
  },
  {
    // Of ten minutes, seven with 45 s in each are more than half.
    alert: 'PilotlightSlow',
    input: { ...ALIVE, [series('tick_duration_seconds_sum', {})]: '0+45x180' },
    at: 22,
    labels: SCALER,
    value: '75%',
  },
  {
    alert: 'PilotlightMostBlind',
    input: {
      ...ALIVE,
      [series('blind', TRIGGER)]: always(1),
      [series('blind', BLIND)]: '0+0x9 1+0x170',
      [series('blind', { ...TRIGGER, trigger: 'c' })]: always(0),
    },
    at: 16,
    labels: {},
    value: '66.67%',
  },
  {
    alert: 'PilotlightBlind',
    input: {
      ...ALIVE,
      [series('blind', TRIGGER)]: always(1),
      [series('replicas', TRIGGER)]: always(2),
      // The other scaler replica says the same: one alert.
      [series('blind', TRIGGER, OTHER)]: always(1),
      [series('replicas', TRIGGER, OTHER)]: always(2),
    },
    at: 6,
    labels: TRIGGER,
    also: ['PilotlightMostBlind'],
  },
  {
    alert: 'PilotlightCannotWake',
    input: {
      ...ALIVE,
      [series('blind', TRIGGER)]: always(0),
      [series('replicas', TRIGGER)]: always(0),
      [series('signal_absent', { ...TRIGGER, profile: 'gateway-rps', role: 'wake' })]: always(1),
    },
    at: 15,
    labels: TRIGGER,
  },
  {
    alert: 'PilotlightCannotWake',
    input: { ...ALIVE, [series('blind', TRIGGER)]: always(1), [series('replicas', TRIGGER)]: always(0) },
    at: 15,
    labels: TRIGGER,
    also: ['PilotlightMostBlind'],
  },
  {
    alert: 'PilotlightSignalAbsent',
    input: {
      ...ALIVE,
      [series('blind', TRIGGER)]: always(0),
      [series('replicas', TRIGGER)]: always(2),
      [series('signal_absent', { ...TRIGGER, profile: 'dcgm-gpu-util', role: 'demand' })]: always(1),
      [series('signal_absent', { ...TRIGGER, profile: 'gateway-rps', role: 'wake' })]: always(1),
      // No signal of this one speaks: it is blind, which is an alert of its own.
      [series('blind', BLIND)]: always(1),
      [series('replicas', BLIND)]: always(2),
      [series('signal_absent', { ...BLIND, profile: 'dcgm-gpu-util', role: 'demand' })]: always(1),
    },
    at: 30,
    labels: { ...TRIGGER, profile: 'dcgm-gpu-util' },
    also: ['PilotlightBlind'],
  },
  {
    alert: 'PilotlightReplicasNotGranted',
    input: {
      ...ALIVE,
      [series('wanted_replicas', OBJECT)]: '5+0x9 7+0x170',
      [series('granted_replicas', OBJECT)]: always(5),
    },
    at: 20,
    labels: OBJECT,
    value: '2',
  },
  {
    alert: 'PilotlightReplicasWaiting',
    input: { ...ALIVE, [series('waiting_replicas', { ...OBJECT, reason: 'unschedulable' })]: always(3) },
    at: 15,
    labels: { ...OBJECT, reason: 'unschedulable' },
    value: '3',
  },
  {
    // It runs for some minutes after each back-off.
    alert: 'PilotlightReplicasWaiting',
    input: {
      ...ALIVE,
      [series('waiting_replicas', { ...OBJECT, reason: 'crash-loop' })]: '1 1 _x6 1 1 1 _x6 1 1 _x6 1 1',
    },
    at: 15,
    labels: { ...OBJECT, reason: 'crash-loop' },
    value: '1',
  },
  {
    alert: 'PilotlightBudgetCut',
    input: { ...ALIVE, [series('budget_cut_replicas', { namespace: 'shop' })]: always(3) },
    at: 60,
    labels: { namespace: 'shop' },
    value: '3',
  },
  {
    alert: 'PilotlightGpuNodesUnpriced',
    input: { ...ALIVE, [series('gpu_nodes_unpriced', {})]: always(2) },
    at: 60,
    labels: {},
    value: '2',
  },
  {
    alert: 'PilotlightClusterStale',
    input: { ...ALIVE, [series('cluster_stale_seconds', {})]: '0+60x180' },
    at: 11,
    labels: SCALER,
    value: '11m 0s',
  },
  {
    alert: 'PilotlightFeatureNotAllowed',
    input: { ...ALIVE, [series('cluster_feature_allowed', { feature: 'placeholders' })]: always(0) },
    at: 15,
    labels: { feature: 'placeholders' },
  },
  {
    alert: 'PilotlightWarmUpStoreAway',
    input: {
      ...ALIVE,
      [series('floors_stale_seconds', {})]: '0+60x180',
      [series('warm_up_store_up', {})]: '1 0+0x180',
    },
    at: 6,
    labels: SCALER,
  },
  {
    // A scaler replica that came while the store was away has never opened it.
    alert: 'PilotlightWarmUpStoreAway',
    input: {
      ...ALIVE,
      [series('warm_up_store_up', {})]: '1+0x10 stale',
      [series('warm_up_store_up', {}, OTHER)]: '_x11 0+0x170',
    },
    at: 16,
    labels: OTHER,
  },
  {
    alert: 'PilotlightWarmUpLate',
    input: {
      ...ALIVE,
      [series('warm_ups_late', {})]: always(2),
      [series('warm_ups_late', {}, OTHER)]: always(2),
    },
    at: 5,
    labels: { job: 'pilotlight' },
    value: '2',
  },
  {
    alert: 'PilotlightWarmUpGivenUp',
    input: {
      ...ALIVE,
      [series('warm_ups_ended_total', { source: 'forecast', outcome: 'failed' })]: '_x60 1+0x120',
    },
    at: 60,
    labels: { job: 'pilotlight', source: 'forecast' },
  },
  {
    alert: 'PilotlightWarmUpGivenUp',
    input: {
      ...ALIVE,
      [series('warm_ups_ended_total', { source: 'window', outcome: 'failed' })]: '1+0x90 2+0x90',
    },
    at: 91,
    labels: { job: 'pilotlight', source: 'window' },
  },
];

/** Something to say of everything, and all of it well. */
const CALM: Input = {
  ...ALIVE,
  'up{job="pilotlight",instance="one"}': always(1),
  [series('blind', TRIGGER)]: always(0),
  [series('replicas', TRIGGER)]: always(2),
  [series('wanted_replicas', OBJECT)]: always(2),
  [series('granted_replicas', OBJECT)]: always(2),
  [series('waiting_replicas', { ...OBJECT, reason: 'scheduling' })]: always(1),
  [series('waiting_replicas', { ...OBJECT, reason: 'not-ready' })]: always(1),
  [series('budget_cut_replicas', { namespace: 'shop' })]: always(0),
  [series('gpu_nodes_unpriced', {})]: always(0),
  [series('cluster_stale_seconds', {})]: always(0),
  [series('cluster_feature_allowed', { feature: 'events' })]: always(1),
  [series('floors_stale_seconds', {})]: always(0),
  [series('warm_up_store_up', {})]: always(1),
  [series('warm_ups_late', {})]: always(0),
  [series('warm_ups_ended_total', { source: 'forecast', outcome: 'used' })]: '_x60 1+1x120',
  [series('warm_ups_ended_total', { source: 'forecast', outcome: 'failed' })]: always(1),
};

/** Nothing fires, and why somebody might think that it does. */
export const QUIET: readonly (readonly [string, Input])[] = [
  ['about a scaler that has nothing to say of anything', ALIVE],
  ['while all is well', CALM],
  [
    'about a workload at zero whose own pods report nothing',
    {
      ...CALM,
      [series('replicas', TRIGGER)]: always(0),
      [series('signal_absent', { ...TRIGGER, profile: 'triton-pending', role: 'demand' })]: always(1),
    },
  ],
  [
    'about a pod that a rollout has replaced',
    {
      ...CALM,
      [series('tick_duration_seconds_count', {}, OTHER)]: '0+12x60 stale',
      'up{job="pilotlight",instance="two"}': '1+0x60 stale',
    },
  ],
  [
    'about replicas that wait for a moment, again and again',
    {
      ...CALM,
      [series('waiting_replicas', { ...OBJECT, reason: 'unschedulable' })]: '1 1 stale _ 1 1 stale '.repeat(
        25,
      ),
    },
  ],
  ['to all while half are blind', { ...CALM, [series('blind', BLIND)]: always(1) }],
];
