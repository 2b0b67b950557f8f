import type { SameTime } from './calendar.js';
import { DAY_WEIGHTS, DAYS_SPEAK, IDLE_WEIGHTS, TABLES, type Contexts } from './contexts.js';

/**
 * How likely is it that a level is needed before another replica could be ready? Each context has counted how often it was;
 * their odds are mixed with weights that follow the loss, and what the mixture says is calibrated against what came of it.
 *
 * This is context mixing as in data compression: logistic mixing of adaptive probabilities is online gradient descent on
 * the log loss, with regret O(√T) against the best fixed weights (Mattern, "Linear and geometric mixtures – analysis", DCC
 * 2013; Zinkevich, ICML 2003). The last step is the adaptive probability map of the PAQ compressors (Mahoney, 2005).
 */
export interface Mixer {
  /** Chances by context, all tables one after the other. */
  readonly chances: Float32Array;
  /** How often each context was seen, up to 255. */
  readonly counts: Uint16Array;
  readonly byIdle: Float32Array;
  readonly byDay: Float32Array;
  /** What came of a mixed chance, by its log odds and the level's size. */
  readonly calibrated: Float32Array;
  readonly calibrations: Float32Array;
}

/** Inputs: one for each table, yesterday's and last week's same time, and a constant. */
const INPUTS = TABLES.length + 3;
const SAME_TIME = TABLES.length;
const LAST_WEEK = TABLES.length + 1;
const CONSTANT = TABLES.length + 2;

const OFFSETS = TABLES.map((_, table) => TABLES.slice(0, table).reduce((sum, rows) => sum + rows, 0));
const ROWS = TABLES.reduce((sum, rows) => sum + rows, 0);

/** Log odds from −12 to 12 in steps of 1. */
const STEPS = 25;
const REACH = 12;
const SIZES = 4;

const LEAST = 0.0005;
const LEARNING_RATE = 0.0005;
const WEIGHT = 0.08;
/** Where earlier days speak for a level, they are believed before there are figures to prove it. */
const TRUSTED = 0.4;
const OTHERS = 0.04;
/** A context unseen says what the first one says, as if it had been seen so often. */
const PRIOR_COUNT = 2;
const MOST_COUNTS = 1500;
const MOST_CALIBRATIONS = 2000;
const FIRST_CALIBRATIONS = 10;

export function createMixer(): Mixer {
  const weights = (sets: number, trusts: (set: number) => boolean) =>
    Float32Array.from({ length: sets * INPUTS }, (_, i) => {
      if (!trusts(Math.floor(i / INPUTS))) return WEIGHT;
      return i % INPUTS === SAME_TIME ? TRUSTED : OTHERS;
    });
  return {
    chances: new Float32Array(ROWS),
    counts: new Uint16Array(ROWS),
    byIdle: weights(IDLE_WEIGHTS, (set) => set >= IDLE_WEIGHTS / 2),
    byDay: weights(DAY_WEIGHTS, (set) => set >= 3 * DAYS_SPEAK),
    calibrated: Float32Array.from({ length: STEPS * SIZES }, (_, i) => chanceOf((i % STEPS) - REACH)),
    calibrations: new Float32Array(STEPS * SIZES),
  };
}

/** What `mix` worked out, for `learn`; used over and over. */
export interface Mixture {
  readonly inputs: Float64Array;
  idleChance: number;
  dayChance: number;
  /** Log odds of both together. */
  odds: number;
  chance: number;
}

export function createMixture(): Mixture {
  return { inputs: new Float64Array(INPUTS), idleChance: 0, dayChance: 0, odds: 0, chance: 0 };
}

/**
 * @param prior the chance where nothing has been counted yet, 0 < prior < 1
 */
export function mix(into: Mixture, mixer: Mixer, contexts: Contexts, days: SameTime, prior: number): Mixture {
  const { inputs } = into;
  let base = prior;
  for (let table = 0; table < TABLES.length; table += 1) {
    const row = (OFFSETS[table] ?? 0) + (contexts.rows[table] ?? 0);
    const count = mixer.counts[row] ?? 0;
    const chance = ((mixer.chances[row] ?? 0) * count + base * PRIOR_COUNT) / (count + PRIOR_COUNT);
    if (table === 0) base = chance;
    inputs[table] = logOdds(chance);
  }
  const { days: known, needed, lastWeek } = days;
  inputs[SAME_TIME] = known === 0 ? 0 : logOdds((needed + 0.2 * base) / (known + 0.2));
  inputs[LAST_WEEK] = lastWeek === null ? 0 : logOdds(((lastWeek ? 1 : 0) + base) / 2);
  inputs[CONSTANT] = 0.3;
  const idle = weighted(mixer.byIdle, contexts.weightsByIdle, inputs);
  const day = weighted(mixer.byDay, contexts.weightsByDay, inputs);
  into.idleChance = chanceOf(idle);
  into.dayChance = chanceOf(day);
  into.odds = within((idle + day) / 2, REACH - 0.01);
  into.chance = chanceOf((into.odds + logOf(calibratedAt(mixer, contexts.size, into.odds))) / 2);
  return into;
}

/** Takes what came of a mixture. */
export function learn(mixer: Mixer, contexts: Contexts, mixture: Mixture, isNeeded: boolean): void {
  const outcome = isNeeded ? 1 : 0;
  calibrate(mixer, contexts.size, mixture.odds, outcome);
  adjust(mixer.byIdle, contexts.weightsByIdle, mixture.inputs, outcome - mixture.idleChance);
  adjust(mixer.byDay, contexts.weightsByDay, mixture.inputs, outcome - mixture.dayChance);
  for (let table = 0; table < TABLES.length; table += 1) {
    const row = (OFFSETS[table] ?? 0) + (contexts.rows[table] ?? 0);
    const count = Math.min(MOST_COUNTS, (mixer.counts[row] ?? 0) + 1);
    mixer.counts[row] = count;
    mixer.chances[row] = (mixer.chances[row] ?? 0) + (outcome - (mixer.chances[row] ?? 0)) / (count + 0.5);
  }
}

function weighted(weights: Float32Array, set: number, inputs: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < INPUTS; i += 1) sum += (weights[set * INPUTS + i] ?? 0) * (inputs[i] ?? 0);
  return sum;
}

function adjust(weights: Float32Array, set: number, inputs: Float64Array, error: number): void {
  for (let i = 0; i < INPUTS; i += 1) {
    const at = set * INPUTS + i;
    weights[at] = (weights[at] ?? 0) + LEARNING_RATE * error * (inputs[i] ?? 0);
  }
}

function calibratedAt(mixer: Mixer, size: number, odds: number): number {
  const { at, share } = stepOf(size, odds);
  return (mixer.calibrated[at] ?? 0) * (1 - share) + (mixer.calibrated[at + 1] ?? 0) * share;
}

function calibrate(mixer: Mixer, size: number, odds: number, outcome: number): void {
  const { at, share } = stepOf(size, odds);
  calibrateStep(mixer, at, 1 - share, outcome);
  calibrateStep(mixer, at + 1, share, outcome);
}

function calibrateStep(
  { calibrated, calibrations }: Mixer,
  at: number,
  share: number,
  outcome: number,
): void {
  const count = Math.min(MOST_CALIBRATIONS, (calibrations[at] ?? 0) + share);
  calibrations[at] = count;
  const before = calibrated[at] ?? 0;
  calibrated[at] = before + ((outcome - before) * share) / (count + FIRST_CALIBRATIONS);
}

function stepOf(size: number, odds: number): { at: number; share: number } {
  const step = Math.floor(odds + REACH);
  return { at: size * STEPS + step, share: odds + REACH - step };
}

function chanceOf(odds: number): number {
  return within1(1 / (1 + Math.exp(-odds)), 0.0001);
}

function logOdds(chance: number): number {
  return logOf(within1(chance, LEAST));
}

function logOf(chance: number): number {
  const safe = within1(chance, 0.0001);
  return Math.log(safe / (1 - safe));
}

function within1(chance: number, least: number): number {
  return Math.min(1 - least, Math.max(least, chance));
}

function within(value: number, reach: number): number {
  return Math.min(reach, Math.max(-reach, value));
}
