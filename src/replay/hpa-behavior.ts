/** `spec.behavior` of an HPA, and how it limits a change (kubernetes 1.36, horizontal.go:1142-1450). */

export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

export interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicy[];
  /** Null: the controller's own, 0.1. */
  readonly tolerance: number | null;
}

export interface Behavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

/** A change of replicas that was carried out; `change` > 0. */
export interface ScaleEvent {
  readonly at: number;
  readonly change: number;
}

export interface ScaleEvents {
  readonly up: readonly ScaleEvent[];
  readonly down: readonly ScaleEvent[];
}

/** What the API server fills in as soon as any `behavior` is given (pkg/apis/autoscaling/v2/defaults.go:27-65). */
export const DEFAULT_BEHAVIOR: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
    tolerance: null,
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    tolerance: null,
  },
};

/** The most replicas that `scaleUp` allows now; never less than there are. */
export function scaleUpLimit(rules: ScalingRules, current: number, events: ScaleEvents, now: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map((policy) => {
    const start = periodStart(policy, current, events, now);
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  const limit = rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
  return Math.max(current, limit);
}

/** The fewest replicas that `scaleDown` allows now; never more than there are. `Max` is the largest change. */
export function scaleDownLimit(
  rules: ScalingRules,
  current: number,
  events: ScaleEvents,
  now: number,
): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map((policy) => {
    const start = periodStart(policy, current, events, now);
    return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100));
  });
  const limit = rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
  return Math.min(current, limit);
}

/** Adds a change that was carried out and forgets those that no policy looks back to. */
export function withScaleEvent(
  events: ScaleEvents,
  behavior: Behavior,
  change: number,
  now: number,
): ScaleEvents {
  if (change > 0)
    return { ...events, up: [...recent(events.up, behavior.scaleUp, now), { at: now, change }] };
  return { ...events, down: [...recent(events.down, behavior.scaleDown, now), { at: now, change: -change }] };
}

/** Replicas at the beginning of the policy's period, worked back from the changes since. */
function periodStart(policy: ScalingPolicy, current: number, events: ScaleEvents, now: number): number {
  const since = now - policy.periodSeconds;
  return current - changeSince(events.up, since) + changeSince(events.down, since);
}

function changeSince(events: readonly ScaleEvent[], since: number): number {
  let change = 0;
  for (const event of events) if (event.at > since) change += event.change;
  return change;
}

function recent(events: readonly ScaleEvent[], rules: ScalingRules, now: number): readonly ScaleEvent[] {
  const longest = Math.max(0, ...rules.policies.map((policy) => policy.periodSeconds));
  return events.filter((event) => event.at > now - longest);
}
