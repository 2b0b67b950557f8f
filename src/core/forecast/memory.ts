import type { Millis } from '../time.js';
import { createCalendar, type Calendar } from './calendar.js';
import type { Averages } from './contexts.js';
import { createLevels, type Levels } from './levels.js';
import { createMixer, type Mixer } from './mixer.js';
import { createPrice, type Price } from './price.js';
import { createQuestions, type Questions } from './questions.js';
import { createTrack, type Track } from './record.js';

/**
 * What one workload's past leaves for its forecast: numbers in columns, under 20 kB. Unlike the core's state it is changed
 * in place by `observe` and `forecast`, since copying it at each tick would cost more than the forecast itself; the same
 * samples in the same order leave the same memory.
 */
export interface ForecastMemory {
  /** Whole beats seen. */
  beat: number;
  /** Until when the load is known; null before the first sample. */
  seenUntil: Millis | null;
  /** What is known of the beat that is not over yet. */
  readonly partial: { length: Millis; arrivals: number };
  /** Requests in the system when last seen. */
  inSystem: number;
  askedAt: number;
  readonly averages: Averages;
  readonly levels: Levels;
  readonly calendar: Calendar;
  readonly mixer: Mixer;
  readonly questions: Questions;
  readonly price: Price;
  /** What the forecast asked for last. */
  planned: number;
  readonly track: Track;
}

export function createForecastMemory(maxReplicas: number): ForecastMemory {
  return {
    beat: 0,
    seenUntil: null,
    partial: { length: 0, arrivals: 0 },
    inSystem: 0,
    askedAt: -1,
    averages: { beat: 0, minute: 0, tenMinutes: 0, hour: 0 },
    levels: createLevels(maxReplicas),
    calendar: createCalendar(),
    mixer: createMixer(),
    questions: createQuestions(),
    price: createPrice(),
    planned: 0,
    track: createTrack(),
  };
}
