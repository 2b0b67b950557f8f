import { DAY, MINUTE, SECOND, type Millis } from '../time.js';
import { doublePeaks, halvePeaks, highestPeak, notePeak } from './calendar.js';
import { contextsOf, createContexts, type Averages } from './contexts.js';
import { learnHarm, narrow, takeArrivals, widen } from './levels.js';
import type { ForecastMemory } from './memory.js';
import { createMixture, learn, mix } from './mixer.js';
import { countBeat, priceOfLateness } from './price.js';
import { createAsked, forget, takeAnswered } from './questions.js';
import { bill } from './record.js';
import { BEAT, horizonBeats, workPerRequest, type ForecastSettings } from './settings.js';

/** One scrape of a workload's load. */
export interface LoadSample {
  /** The end of the time it covers. */
  readonly at: Millis;
  /** How long a time it covers, ≥ 1. */
  readonly length: Millis;
  /** Requests that came in it, ≥ 0; need not be whole. */
  readonly arrivals: number;
  /** Requests that waited, and that held a slot, at its end. */
  readonly waiting: number;
  readonly running: number;
  readonly ready: number;
}

/** A longer silence is not filled with what came after it: the forecast passes over it. */
const LONGEST_GAP: Millis = 2 * MINUTE;
/** Who looks less often knows too little of when requests came; what is older in such a sample is passed over. */
const LONGEST_SAMPLE: Millis = 15 * MINUTE;
/** Times what all replicas together serve: more is a counter gone wrong, and would be all that is remembered. */
const MOST_LOAD = 100;

/**
 * Takes what was seen, oldest first; a sample no newer than the last is ignored, as after a clock was set back, and so is
 * one with a figure that is none. What the memory asked itself a horizon ago is answered by it.
 */
export function observe(memory: ForecastMemory, settings: ForecastSettings, sample: LoadSample): void {
  if (!isSound(sample)) return;
  const { at, length, waiting, running } = sample;
  if (memory.seenUntil !== null && at <= memory.seenUntil) {
    if (memory.seenUntil - at > LONGEST_SAMPLE) setBack(memory, at);
    return;
  }
  const from = at - Math.min(length, LONGEST_SAMPLE);
  const gap = memory.seenUntil === null ? 0 : from - memory.seenUntil;
  if (gap > LONGEST_GAP) passOver(memory, gap);
  // A shorter gap is filled, and what was seen before is not counted again.
  const time = memory.seenUntil === null || gap > LONGEST_GAP ? at - from : at - memory.seenUntil;
  memory.seenUntil = at;
  memory.inSystem = Math.max(0, waiting + running);
  const most = (MOST_LOAD * settings.maxReplicas * time) / SECOND / workPerRequest(settings);
  const arrivals = Math.min(most, (sample.arrivals * time) / length);
  countLate(memory, settings, sample, arrivals);
  shareOut(memory, settings, at, time, arrivals);
}

function isSound({ at, length, arrivals, waiting, running, ready }: LoadSample): boolean {
  return length >= 1 && arrivals >= 0 && Number.isFinite(at + length + arrivals + waiting + running + ready);
}

/** A clock that had run ahead: its samples stay learnt, and time goes on from here. */
function setBack(memory: ForecastMemory, at: Millis): void {
  memory.seenUntil = at;
  passOver(memory, 0);
}

/** Nothing is known of this time: it counts neither as idle nor as busy. */
function passOver(memory: ForecastMemory, gap: Millis): void {
  memory.beat += Math.round(gap / BEAT);
  memory.partial.length = 0;
  memory.partial.arrivals = 0;
  memory.levels.backlog.fill(0);
  forget(memory.questions);
}

/** Requests in a beat are those of its samples, each spread evenly over its time. */
function shareOut(
  memory: ForecastMemory,
  settings: ForecastSettings,
  at: Millis,
  length: Millis,
  arrivals: number,
): void {
  const { partial } = memory;
  let [left, requests] = [length, arrivals];
  while (partial.length + left >= BEAT) {
    const taken = BEAT - partial.length;
    // Not by division at the end: a rest of 1e-16 requests would be a request.
    const share = taken === left ? requests : (requests * taken) / left;
    [left, requests] = [left - taken, requests - share];
    takeBeat(memory, settings, at - left, partial.arrivals + share);
    partial.length = 0;
    partial.arrivals = 0;
  }
  partial.length += left;
  partial.arrivals += requests;
}

function takeBeat(memory: ForecastMemory, settings: ForecastSettings, at: Millis, arrivals: number): void {
  const { levels, averages, price, calendar } = memory;
  const load = (arrivals * workPerRequest(settings)) / (BEAT / SECOND);
  follow(averages, load);
  while (load > levels.count * levels.width && levels.width * levels.count < settings.maxReplicas) {
    widen(levels);
    halvePeaks(calendar);
    forget(memory.questions);
  }
  if (2 * load > levels.count * levels.width) levels.fullAt = memory.beat;
  if (levels.width > 1 && memory.beat - levels.fullAt > NARROW_AFTER_BEATS) narrowAgain(memory);
  const horizon = horizonBeats(settings);
  countBeat(price, takeArrivals(levels, settings, memory.beat, arrivals, horizon), arrivals);
  bill(memory.track, settings, memory.beat, arrivals, memory.planned, priceOfLateness(price, settings.share));
  memory.beat += 1;
  notePeak(calendar, at - BEAT, levels.needed);
  answer(memory, memory.beat - horizon);
}

/** As long as the calendar remembers. */
const NARROW_AFTER_BEATS = (8 * DAY) / BEAT;

/** It was one count gone wrong, or a load of former times, that made the levels so wide. */
function narrowAgain({ levels, calendar, questions }: ForecastMemory): void {
  narrow(levels, highestPeak(calendar));
  doublePeaks(calendar);
  forget(questions);
}

function follow(averages: Averages, load: number): void {
  averages.beat = load;
  averages.minute += (load - averages.minute) / 4;
  averages.tenMinutes += (load - averages.tenMinutes) / 40;
  averages.hour += (load - averages.hour) / 240;
}

// Used again for each question: nothing of them outlives `answer`.
const asked = createAsked();
const contexts = createContexts();
const mixture = createMixture();

/** Answers what was asked a horizon ago or before. */
function answer({ questions, levels, mixer }: ForecastMemory, askedBy: number): void {
  while (takeAnswered(asked, questions, askedBy)) {
    const late = (levels.late[asked.level] ?? 0) - asked.late;
    if (late >= 1) learnHarm(levels, asked.level, late);
    mix(mixture, mixer, contextsOf(contexts, asked.bins), asked.days, asked.prior);
    learn(mixer, contexts, mixture, late >= 1);
  }
}

/** Requests that came while those before them would take longer than is in time. */
function countLate(
  { price }: ForecastMemory,
  settings: ForecastSettings,
  { waiting, ready }: LoadSample,
  arrivals: number,
): void {
  if (waiting <= 0) return;
  const rate = ready / workPerRequest(settings);
  if (waiting > (rate * settings.wait) / SECOND) price.late += arrivals;
}
