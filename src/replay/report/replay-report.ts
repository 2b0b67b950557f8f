import type { Trigger } from '../../policy/trigger.js';
import { BASELINES } from '../baselines/all.js';
import { nodeSecondsBound } from '../bound.js';
import { requestsBetween, type Load } from '../load.js';
import { loopsOf } from '../pilotlight/loops.js';
import { manifestPolicy, type OnStep } from '../pilotlight/manifest-policy.js';
import type { ReplayManifest, ReplicaCapacity } from '../pilotlight/manifest.js';
import type { ReplayPolicy } from '../policy.js';
import { simulate } from '../run.js';
import type { Setup } from '../setup.js';
import type { Bound, ReplayReport, ReplayRow } from './report.js';
import type { Timeline } from './timeline.js';

/** What is replayed, and who wants to know how it goes on. */
export interface Replay {
  readonly manifest: ReplayManifest;
  readonly trigger: Trigger;
  readonly load: Load;
  /** What came right before it. */
  readonly history?: Load | null;
  /** Where the load comes from, in words. */
  readonly source: string;
  readonly setup: Setup;
  /** The replica as it was given, before the setup's whole seconds. */
  readonly given: ReplicaCapacity;
  readonly pricePerHour: number | null;
  readonly baselines: boolean;
  /** The share in time that the bound is for; null: no bound. */
  readonly bound: number | null;
  /** Keeps the manifest's run. */
  readonly timeline: Timeline | null;
  /** Keeps a baseline's, by its name. */
  readonly baselineTimeline?: (name: string) => Timeline;
  /** Gives each policy back, watched on its way through the load. */
  readonly watching: (policy: ReplayPolicy) => ReplayPolicy;
  /** Told what is under way and has no clock. */
  readonly working: (on: string) => void;
}

/** Runs the manifest, then the baselines, then the search for the bound: each on its own, so that none disturbs another. */
export function replayReport(replay: Replay): ReplayReport {
  const { manifest, trigger, load, source, setup, pricePerHour, baselines } = replay;
  const rows = [ownRow(replay), ...(baselines ? baselineRows(replay) : [])];
  return {
    manifest: {
      file: manifest.manifest.file,
      object: manifest.object,
      profiles: trigger.profiles.map(({ name }) => name),
    },
    load: { source, seconds: load.seconds, requests: requestsBetween(load, 0, load.seconds) },
    setup,
    pricePerHour,
    rows,
    bound: boundOf(replay),
    notes: notesOn(replay),
  };
}

function ownRow({ manifest, trigger, load, history, setup, timeline, watching }: Replay): ReplayRow {
  const loops = loopsOf(manifest.spec, trigger.metricSpecs, setup.maxReplicas);
  const onStep: OnStep = (t, { decision }) => timeline?.decided(t, decision);
  const options = { history: history ?? null, startup: setup };
  const own = manifestPolicy(manifest.object, trigger, loops, onStep, options);
  const score = simulate(load, setup, watching(own), undefined, timeline?.recording);
  return { name: manifest.object, kind: 'manifest', score };
}

function baselineRows({ load, setup, watching, baselineTimeline }: Replay): ReplayRow[] {
  return Object.entries(BASELINES).map(([name, baseline]) => {
    const recording = baselineTimeline?.(name).recording;
    const score = simulate(load, setup, watching(baseline(load, setup)), undefined, recording);
    return { name, kind: 'baseline', score };
  });
}

function boundOf({ load, setup, bound, working }: Replay): Bound | null {
  if (bound === null) return null;
  working('the least that anybody could have paid');
  return { nodeSeconds: nodeSecondsBound(load, setup, bound), attainment: bound };
}

/** What to know of a manifest's replay before believing its figures. */
export function notesOn({ trigger, setup, given }: Pick<Replay, 'trigger' | 'setup' | 'given'>): string[] {
  const notes: string[] = [];
  if (setup.serviceTime !== given.serviceTime || setup.slots !== given.slots) {
    const replayed = `${setup.slots} slots of ${setup.serviceTime} s`;
    const said = `${given.slots} slots of ${given.serviceTime} s`;
    notes.push(`The replay steps by whole seconds: ${said} are replayed as ${replayed}.`);
  }
  for (const { name, simulate: quantity, prometheus } of trigger.profiles) {
    if (!('fromTrigger' in prometheus)) continue;
    notes.push(`What the trigger's query measures is not known here: ${name} is replayed as ${quantity}.`);
  }
  if (trigger.policy.dryRun) notes.push('dryRun: the replicas stay as they are.');
  return notes;
}
