import type { Profiles, Trigger } from '../policy/trigger.js';
import { BASELINES } from './baselines/all.js';
import { nodeSecondsBound } from './bound.js';
import type { Load } from './load.js';
import { loopsOf, type Loops } from './pilotlight/loops.js';
import { manifestPolicy } from './pilotlight/manifest-policy.js';
import { replayTrigger, type ReplayManifest } from './pilotlight/manifest.js';
import { simulate } from './run.js';
import type { Setup } from './setup.js';
import { SUITE_SHARE, type SuiteEntry } from './suite-file.js';

/** One run on one load of a set. Plain data: it travels to other processes. */
export type SuiteRun =
  | {
      readonly kind: 'reactive' | 'forecast';
      /** `namespace/name` */
      readonly object: string;
      readonly trigger: Trigger;
      readonly loops: Loops;
    }
  | { readonly kind: 'baseline'; readonly name: string }
  /** No run, but as long as one: the least that anybody could have paid. */
  | { readonly kind: 'bound' };

/** Node-seconds, and the share in time; null where no request was scored, and for the bound. */
export interface SuiteOutcome {
  readonly nodeSeconds: number;
  readonly attainment: number | null;
}

/** All that is to be run on one load: the manifest with its forecast and without, the baselines, the bound where the file has none. */
export function suiteRuns(
  manifest: ReplayManifest,
  entry: SuiteEntry,
  profiles: Profiles,
  baselines: boolean,
): SuiteRun[] {
  const own = (kind: 'reactive' | 'forecast'): SuiteRun => {
    const fitted = fit(manifest, entry.setup, kind);
    const { slots, serviceTime, maxReplicas } = entry.setup;
    const trigger = replayTrigger(fitted, { slots, serviceTime }, maxReplicas, profiles);
    return {
      kind,
      object: manifest.object,
      trigger,
      loops: loopsOf(fitted.spec, trigger.metricSpecs, maxReplicas),
    };
  };
  const others = baselines ? Object.keys(BASELINES) : [];
  return [
    own('reactive'),
    ...(forecasts(manifest) ? [own('forecast')] : []),
    ...others.map((name): SuiteRun => ({ kind: 'baseline', name })),
    ...(entry.bound === null ? [{ kind: 'bound' } as const] : []),
  ];
}

export function forecasts({ metadata }: ReplayManifest): boolean {
  return (metadata['forecast'] ?? 'off') !== 'off';
}

/** As long as a forecast holds while it has no word yet: without it the default of the HPA takes its place. */
const HELD_WITHOUT = '5m';

/** The manifest for another deployment: with its capacity, its lead time, the wait that is in time there and its most replicas. */
function fit(manifest: ReplayManifest, setup: Setup, kind: 'reactive' | 'forecast'): ReplayManifest {
  const { maxReplicas: _, ...metadata } = manifest.metadata;
  const [, share = `${SUITE_SHARE * 100}%`] = (metadata['slo'] ?? '').split('@', 2);
  return {
    ...manifest,
    metadata: {
      ...metadata,
      ...(kind === 'forecast' ? {} : withoutForecast(manifest)),
      slo: `${setup.slo}s@${share}`,
      leadTime: `${Math.max(1, setup.nodeProvision + setup.modelLoad)}s`,
    },
  };
}

/** A manifest whose HPA lets go at once leaves the holding to the forecast; without one somebody else has to. */
function withoutForecast({ metadata, spec }: ReplayManifest): Record<string, string> {
  const behavior = spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  const letsGo = behavior?.scaleDown?.stabilizationWindowSeconds === 0;
  const holds = letsGo && metadata['scaleDownWindow'] === undefined;
  return { forecast: 'off', ...(holds ? { scaleDownWindow: HELD_WITHOUT } : {}) };
}

/** Depends on nothing but its arguments. */
export function runOn(load: Load, { setup }: SuiteEntry, run: SuiteRun): SuiteOutcome {
  switch (run.kind) {
    case 'bound':
      return { nodeSeconds: nodeSecondsBound(load, setup, SUITE_SHARE), attainment: null };
    case 'baseline': {
      const baseline = BASELINES[run.name];
      if (baseline === undefined) throw new RangeError(`no baseline is called ${run.name}`);
      return simulate(load, setup, baseline(load, setup));
    }
    case 'reactive':
    case 'forecast':
      return simulate(
        load,
        setup,
        manifestPolicy(run.object, run.trigger, run.loops, undefined, { startup: setup }),
      );
  }
}
