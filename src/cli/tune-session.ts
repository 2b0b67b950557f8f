import type { Profiles, Trigger } from '../policy/trigger.js';
import { requestsBetween, type Load } from '../replay/load.js';
import { replayTrigger, type ReplayManifest } from '../replay/pilotlight/manifest.js';
import type { Score } from '../replay/score.js';
import type { Base } from '../replay/tune/candidate.js';
import { checkSpace } from '../replay/tune/check-space.js';
import { defaultSpace } from '../replay/tune/default-space.js';
import type { Tried } from '../replay/tune/frontier.js';
import { edgesOf, notesOn } from '../replay/tune/notes.js';
import { withPresent } from '../replay/tune/present.js';
import { searchRuns, type Searched } from '../replay/tune/search.js';
import { combinations, type Space } from '../replay/tune/space.js';
import { loadUntil, splitOf, type Split } from '../replay/tune/split.js';
import {
  verdictOn,
  worthChecking,
  worthCheckingToo,
  type Checks,
  type Tuning,
  type Verdict,
} from '../replay/tune/tuning.js';
import { withChanges } from '../replay/tune/write.js';
import { UsageError } from './command.js';
import { inputFaultsAsUsage, type Capacity } from './replay-inputs.js';
import { tuneFaultsAsUsage } from './tune-inputs.js';
import { poolOf, type Pool } from './tune-pool.js';
import type { TuneProgress } from './tune-progress.js';
import type { Parts } from './tune-run.js';
import type { Source } from './replay-source.js';

/** What is searched, on what, and how long. */
export interface TuneRequest {
  readonly manifest: ReplayManifest;
  readonly text: string;
  readonly profiles: Profiles;
  readonly source: Source;
  readonly capacity: Capacity;
  /** What came right before the load, for a trigger that forecasts; null: not given. */
  readonly history: (trigger: Trigger) => Load | null;
  /** Whether `--max` holds for all settings. */
  readonly maxIsGiven: boolean;
  /** Empty: the default. */
  readonly space: Space;
  readonly scoreFrom: number | null;
  readonly searchDays: number | null;
  readonly budget: number;
  readonly seed: number;
  readonly jobs: number;
  readonly pricePerHour: number | null;
}

/** Searches on the earlier part, runs the best on the later one, and judges. @throws UsageError before the first run */
export async function tuningOf(request: TuneRequest, progress: TuneProgress): Promise<Tuning> {
  const { capacity, source, budget, seed, jobs } = request;
  const { load } = source;
  const { attainment: share } = capacity;
  const split = inputFaultsAsUsage(() => splitOf(load, request.scoreFrom, request.searchDays));
  if (split.search.requests === 0)
    throw new UsageError(
      `${source.name}: no request from second ${split.search.from} on; nothing to search by`,
    );
  const base = baseOf(request);
  const trigger = inputFaultsAsUsage(() =>
    replayTrigger(request.manifest, base.given, base.setup.maxReplicas, base.profiles),
  );
  const space = spaceFor(request, base, trigger);
  const parts = { ...partsOf(load, capacity, split), history: request.history(trigger) };
  const pool = poolOf(parts, jobs, () => progress.done());
  try {
    progress.begin('search', Math.min(budget, combinations(space) + 1));
    const searched = await searchOn(pool, base, space, { budget, seed, share });
    const checks = new Map<Tried, Score>();
    if (split.check !== null) {
      await check(pool, worthChecking(searched, share), checks, progress);
      await check(pool, worthCheckingToo(searched, checks, share), checks, progress);
    }
    return assembled(request, base, { split, space, searched, checks });
  } finally {
    pool.close();
    progress.clear();
  }
}

function baseOf({ manifest, text, profiles, capacity, maxIsGiven }: TuneRequest): Base {
  const { slots, serviceTime, setup } = capacity;
  return { text, file: manifest.manifest.file, profiles, given: { slots, serviceTime }, setup, maxIsGiven };
}

function spaceFor({ manifest, space, maxIsGiven }: TuneRequest, base: Base, trigger: Trigger): Space {
  if (space.length === 0) {
    const own = defaultSpace(manifest, trigger, base.given.slots);
    tuneFaultsAsUsage(() => checkSpace(base, own), base.file);
    return own;
  }
  const most = space.find(({ knob }) => knob.path.at(-1) === 'maxReplicaCount');
  if (most !== undefined && maxIsGiven)
    throw new UsageError(`--max holds for all settings, and --set varies ${most.knob.key}; give one of them`);
  tuneFaultsAsUsage(() => checkSpace(base, space));
  return withPresent(space, manifest, trigger);
}

/** The check runs through the whole load, as the workload will have: what the policy has learned by then, it knows. */
function partsOf(load: Load, { setup }: Capacity, { search, check }: Split): Omit<Parts, 'history'> {
  return {
    search: { load: loadUntil(load, search.to), setup: { ...setup, scoreFrom: search.from } },
    check: { load, setup: { ...setup, scoreFrom: check?.from ?? search.from } },
  };
}

async function searchOn(
  pool: Pool,
  base: Base,
  space: Space,
  options: { readonly budget: number; readonly seed: number; readonly share: number },
): Promise<Searched> {
  const search = searchRuns(base, space, options);
  let step = search.next([]);
  while (step.done !== true) step = search.next(await pool.run('search', step.value));
  return step.value;
}

async function check(
  pool: Pool,
  worth: readonly Tried[],
  checks: Map<Tried, Score>,
  progress: TuneProgress,
): Promise<void> {
  if (worth.length === 0) return;
  progress.begin('check', worth.length);
  const scores = await pool.run(
    'check',
    worth.map(({ candidate }) => candidate),
  );
  for (const [index, each] of worth.entries()) {
    const score = scores[index];
    if (score !== undefined) checks.set(each, score);
  }
}

interface Found {
  readonly split: Split;
  readonly space: Space;
  readonly searched: Searched;
  readonly checks: Checks;
}

function assembled(request: TuneRequest, base: Base, { split, space, searched, checks }: Found): Tuning {
  const { manifest, source, capacity, budget, seed, pricePerHour } = request;
  const { setup, attainment: share } = capacity;
  const { trigger } = searched.now.candidate;
  const judged = verdictOn(searched, checks, share);
  const { take } = judged.verdict;
  return {
    manifest: {
      file: base.file,
      object: manifest.object,
      profiles: trigger.profiles.map(({ name }) => name),
    },
    load: {
      source: source.name,
      seconds: source.load.seconds,
      requests: requestsBetween(source.load, 0, source.load.seconds),
    },
    setup,
    share,
    pricePerHour,
    split,
    space,
    searched,
    budget,
    seed,
    ...judged,
    written: take === null ? null : withChanges(base.text, take.candidate.changes),
    notes: [
      ...edgesOf(space, rowOf(judged.verdict).point, searched.tried),
      ...notesOn(trigger, setup, base.given, split),
    ],
  };
}

function rowOf(verdict: Verdict) {
  return verdict.kind === 'missed' ? verdict.nearest : verdict.chosen;
}
