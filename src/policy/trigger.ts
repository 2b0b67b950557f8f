import { milliOf } from '../core/hpa.js';
import {
  POLICY_DEFAULTS,
  type Policy,
  type Schedule,
  type SignalPolicy,
  type WakePolicy,
} from '../core/policy.js';
import { MINUTE } from '../core/time.js';
import { checkCompanions, isBacklog } from './companions.js';
import { parseDuration } from './duration.js';
import { parseMetadata, problem, type Metadata, type MetadataProblem } from './metadata.js';
import { nearest } from './nearest.js';
import type { Profile } from './profile.js';

/** A trigger's metadata, checked against the profiles and ready to use: the rest of the code takes only this. */
export interface Trigger {
  readonly policy: Policy;
  /** In the order of the policy's signals. */
  readonly profiles: readonly Profile[];
  readonly wake: Profile | null;
  /** Null: the deployment named as the ScaledObject. */
  readonly workload: { readonly kind: 'deployment' | 'statefulset'; readonly name: string } | null;
  /** The Kubernetes Service in front; null: named as the workload. */
  readonly service: string | null;
  readonly queue: string | null;
  readonly model: string | null;
  readonly query: string | null;
  /** Not yet checked against the allow list; null: the server's own. */
  readonly prometheusAddress: string | null;
  /** What GetMetricSpec answers, constant for the life of the trigger; the decision's metrics come in this order. */
  readonly metricSpecs: readonly MetricSpec[];
}

export interface MetricSpec {
  readonly name: string;
  readonly target: number;
}

export type Profiles = ReadonlyMap<string, Profile>;
export type CompiledTrigger =
  | { readonly ok: true; readonly trigger: Trigger }
  | { readonly ok: false; readonly problems: readonly MetadataProblem[] };

/** Metadata as KEDA sends it and the known profiles become one typed trigger, or all that is wrong with it. Never throws. */
export function compileTrigger(raw: Readonly<Record<string, string>>, profiles: Profiles): CompiledTrigger {
  const parsed = parseMetadata(raw);
  if (!parsed.ok) return parsed;
  const { metadata } = parsed;
  const problems: MetadataProblem[] = [];
  const chosen = chosenProfiles(metadata, profiles, problems);
  const wake = wakeProfile(metadata, chosen, profiles, problems);
  const numbers = targets(metadata, [...chosen, ...(wake === null ? [] : [wake])], problems);
  const signals = chosen.map((profile) => signalPolicy(profile, metadata, numbers, problems));
  checkCompanions(metadata, chosen, wake, problems);
  if (problems.length > 0) return { ok: false, problems };
  const policy = policyOf(metadata, signals, wake === null ? null : wakePolicy(wake, metadata, numbers));
  return { ok: true, trigger: triggerOf(metadata, policy, chosen, wake) };
}

function chosenProfiles(metadata: Metadata, profiles: Profiles, problems: MetadataProblem[]): Profile[] {
  const names = metadata.profile.split(',').map((name) => name.trim());
  const chosen: Profile[] = [];
  for (const name of new Set(names)) {
    const profile = profiles.get(name);
    if (profile === undefined) {
      problems.push(problem('profile', name, 'the name of a profile', nearest(name, profiles.keys())));
    } else chosen.push(profile);
  }
  if (chosen.length > 1 && chosen.filter((each) => 'fromTrigger' in each.prometheus).length > 1) {
    problems.push(
      problem('profile', metadata.profile, 'at most one profile that takes its query from the trigger'),
    );
  }
  return chosen;
}

function wakeProfile(
  metadata: Metadata,
  chosen: readonly Profile[],
  profiles: Profiles,
  problems: MetadataProblem[],
): Profile | null {
  if (metadata.wake === 'none') return null;
  // A signal that does not come from the pods is there at zero replicas too, and needs no other to wake it.
  const inherited = chosen.every((profile) => profile.series === 'pod')
    ? chosen.find((each) => each.wake)?.wake
    : undefined;
  const name = metadata.wake ?? inherited;
  if (name === undefined) return null;
  const profile = profiles.get(name);
  if (profile === undefined) {
    problems.push(problem('wake', name, 'the name of a profile, or none', nearest(name, profiles.keys())));
    return null;
  }
  if (profile.series !== 'pod' || 'fromTrigger' in profile.prometheus) return profile;
  const able = [...profiles.values()].filter((each) => each.series !== 'pod').map((each) => each.name);
  problems.push(problem('wake', name, `a profile that does not need the pods: ${able.join(', ')}`));
  return null;
}

type Targets = ReadonlyMap<string, number>;

/** `40`, or `cpu-util=70,dcgm-gpu-util=40`. */
function targets(metadata: Metadata, named: readonly Profile[], problems: MetadataProblem[]): Targets {
  const found = new Map<string, number>();
  const { target } = metadata;
  if (target === undefined) return found;
  const names = new Set(named.map((profile) => profile.name));
  const profiles = new Set(metadata.profile.split(',').map((each) => each.trim()));
  const [only] = profiles.size === 1 ? profiles : [];
  for (const pair of target.split(',').map((each) => each.trim())) {
    const equals = pair.indexOf('=');
    const value = pair.slice(equals + 1).trim();
    const number = /^\d{1,12}(?:\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
    const owner = equals < 0 ? only : pair.slice(0, equals).trim();
    if (owner === undefined)
      problems.push(problem('target', pair, 'NAME=VALUE pairs where there are several profiles'));
    else if (!names.has(owner) && owner === only)
      continue; // an unknown profile, and said already
    else if (!names.has(owner))
      problems.push(problem('target', owner, 'a profile of this trigger', nearest(owner, names)));
    else if (!(number > 0)) problems.push(problem('target', pair, 'a number > 0'));
    else if (found.has(owner)) problems.push(problem('target', target, `one value for ${owner}`));
    else found.set(owner, number);
  }
  return found;
}

function signalPolicy(
  profile: Profile,
  metadata: Metadata,
  numbers: Targets,
  problems: MetadataProblem[],
): SignalPolicy {
  const target = numbers.get(profile.name) ?? ownTarget(profile, metadata);
  if (target === null) {
    const how = typeof profile.target === 'object' ? 'a target, or slots to work it out from' : 'a target';
    problems.push(
      problem('target', metadata.target ?? '', `${how} for ${profile.name}, which has no default`),
    );
  }
  if (metadata.output === 'signal' && target !== null && milliOf(target) < 1) {
    const expected = 'at least 0.001 with output signal, since the HPA counts in thousandths';
    problems.push(problem('target', String(target), expected));
  }
  return signal(profile, target ?? 1, profile.activation);
}

function signal(profile: Profile, target: number, activation: number): SignalPolicy {
  const { name, kind, unit, absence } = profile;
  return {
    profile: name,
    kind,
    unit,
    target,
    activation,
    absence,
    freshFor: parseDuration(profile.freshFor) ?? MINUTE,
    ...(isBacklog(profile) ? { backlog: true } : {}),
  };
}

function ownTarget(profile: Profile, metadata: Metadata): number | null {
  if (typeof profile.target === 'number') return profile.target;
  if (profile.target === undefined || metadata.slots === undefined) return null;
  return profile.target.perSlot * metadata.slots;
}

/** A replica that keeps its slots 70 % busy leaves room for the next one to start. */
const WOKEN_UTILISATION = 0.7;

function wakePolicy(profile: Profile, metadata: Metadata, numbers: Targets): WakePolicy {
  const { slots, serviceTime } = metadata;
  // Little's law: a replica with 4 slots and 8 s a request serves 0.5 requests/s, and 0.35 at 70 %.
  const rate =
    profile.simulate === 'arrivals' && slots !== undefined && serviceTime !== undefined
      ? (WOKEN_UTILISATION * slots * 1000) / serviceTime
      : null;
  const target = numbers.get(profile.name) ?? rate ?? ownTarget(profile, metadata);
  const activation = metadata.activation ?? profile.activation;
  return {
    ...signal(profile, target ?? 1, activation),
    sized: target !== null,
    required: metadata.wake !== undefined,
  };
}

function scheduleOf({ warmWindows = [], sleepWindows = [], timezone = 'UTC' }: Metadata): Schedule | null {
  if (warmWindows.length + sleepWindows.length === 0) return null;
  return { timezone, warm: warmWindows, sleep: sleepWindows };
}

function policyOf(metadata: Metadata, signals: readonly SignalPolicy[], wake: WakePolicy | null): Policy {
  // Without a wake signal of its own a trigger wakes on what it scales on, and `activation` is about that.
  const activated = metadata.activation;
  const own = wake === null && activated !== undefined;
  return {
    signals: own ? signals.map((each) => ({ ...each, activation: activated })) : signals,
    wake,
    tolerance: metadata.tolerance,
    holdFor: metadata.holdFor,
    minReplicas: metadata.minReplicas,
    maxReplicas: metadata.maxReplicas ?? null,
    burst: metadata.burst === 'on',
    scaleDownWindow: metadata.scaleDownWindow,
    leadTime: metadata.leadTime === 'auto' ? POLICY_DEFAULTS.leadTime : metadata.leadTime,
    leadTimeGiven: metadata.leadTime !== 'auto',
    slots: metadata.slots ?? null,
    serviceTime: metadata.serviceTime ?? null,
    slo: metadata.slo ?? null,
    forecast: metadata.forecast,
    schedule: scheduleOf(metadata),
    deadline: metadata.deadline ?? null,
    tier: metadata.tier === '1' ? 1 : 2,
    output: metadata.output,
    dryRun: metadata.dryRun === 'true',
  };
}

function triggerOf(
  metadata: Metadata,
  policy: Policy,
  profiles: readonly Profile[],
  wake: Profile | null,
): Trigger {
  const [kind, name] = metadata.workload?.split('/', 2) ?? [];
  return {
    policy,
    profiles,
    wake,
    workload:
      name === undefined ? null : { kind: kind === 'statefulset' ? 'statefulset' : 'deployment', name },
    service: metadata.service ?? null,
    queue: metadata.queue ?? null,
    model: metadata.model ?? null,
    query: metadata.query ?? null,
    prometheusAddress: metadata.prometheusAddress ?? null,
    metricSpecs: metricSpecs(policy),
  };
}

/** Lower-case letters, digits and dashes: accepted everywhere from KEDA to the API server (KEDA-PROTOCOL 22). */
function metricSpecs(policy: Policy): MetricSpec[] {
  return policy.output === 'replicas'
    ? [{ name: 'pilotlight-replicas', target: 1 }]
    : policy.signals.map(({ profile, target }) => ({ name: `pilotlight-${profile}`, target }));
}
