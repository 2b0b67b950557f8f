import { describe, expect, it } from 'vitest';
import { createBins, type Bins } from '../../../src/core/forecast/contexts.js';
import {
  ask,
  createAsked,
  createQuestions,
  forget,
  MOST_QUESTIONS,
  takeAnswered,
  type Asked,
  type Questions,
} from '../../../src/core/forecast/questions.js';

function question(changes: Partial<Asked> = {}): Asked {
  return { ...createAsked(), ...changes };
}

function askedIn(beats: readonly number[]): Questions {
  const questions = createQuestions();
  for (const beat of beats) ask(questions, question({ beat, level: beat % 48 }));
  return questions;
}

function answeredBy(questions: Questions, askedBy: number): number[] {
  const beats: number[] = [];
  const into = createAsked();
  while (takeAnswered(into, questions, askedBy)) beats.push(into.beat);
  return beats;
}

function numbered(): Bins {
  const bins = createBins();
  for (const [index, bin] of (Object.keys(bins) as (keyof Bins)[]).entries()) bins[bin] = index + 1;
  return bins;
}

describe('a question', () => {
  it('comes back as it was asked', () => {
    const questions = createQuestions();
    const bins = numbered();
    bins.week = 2;
    const days = { days: 3.25, needed: 1.5, nearly: 0, lastWeek: true };
    ask(questions, question({ beat: 2_000_000, level: 48, late: 1e12 + 0.25, prior: 0.125, bins, days }));
    const into = createAsked();
    expect(takeAnswered(into, questions, 2_000_000)).toBe(true);
    expect(into).toEqual({ beat: 2_000_000, level: 48, late: 1e12 + 0.25, prior: 0.125, bins, days });
  });

  it('keeps the days to a hundredth', () => {
    const questions = createQuestions();
    ask(questions, question({ days: { days: 3.4659, needed: 0.5625, nearly: 0, lastWeek: null } }));
    const into = createAsked();
    takeAnswered(into, questions, 0);
    expect(into.days.days).toBeCloseTo(3.4659, 2);
    expect(into.days.needed).toBeCloseTo(0.5625, 2);
  });

  it.each([
    [0, null],
    [1, false],
    [2, true],
  ])('knows last week from its bin: %d is %s', (week, lastWeek) => {
    const questions = createQuestions();
    ask(questions, question({ bins: { ...createBins(), week } }));
    const into = createAsked();
    takeAnswered(into, questions, 0);
    expect(into.days.lastWeek).toBe(lastWeek);
  });
});

describe('questions', () => {
  it('are answered in the order in which they were asked, and not before their time', () => {
    const questions = askedIn([1, 3, 3, 7]);
    expect(answeredBy(questions, 0)).toEqual([]);
    expect(answeredBy(questions, 3)).toEqual([1, 3, 3]);
    expect(answeredBy(questions, 6)).toEqual([]);
    expect(answeredBy(questions, 7)).toEqual([7]);
    expect(answeredBy(questions, 100)).toEqual([]);
  });

  it('beyond their room drop the oldest', () => {
    const many = Array.from({ length: MOST_QUESTIONS + 30 }, (_, beat) => beat);
    const questions = askedIn(many);
    expect(questions.size).toBe(MOST_QUESTIONS);
    expect(answeredBy(questions, Infinity)).toEqual(many.slice(30));
  });

  it('go round their ring without mixing', () => {
    const questions = createQuestions();
    const answers: number[] = [];
    for (let beat = 0; beat < 10 * MOST_QUESTIONS; beat += 1) {
      ask(questions, question({ beat, level: beat % 48, late: beat }));
      if (beat % 7 === 6) answers.push(...answeredBy(questions, beat - 50));
    }
    expect(answers).toEqual(answers.map((_, index) => index));
  });

  it('can be forgotten', () => {
    const questions = askedIn([1, 2, 3]);
    forget(questions);
    expect(answeredBy(questions, 100)).toEqual([]);
    ask(questions, question({ beat: 4 }));
    expect(answeredBy(questions, 100)).toEqual([4]);
  });
});
