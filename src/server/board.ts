import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { MetricRequest, MetricSource } from '../ports/metric-source.js';
import { indexSeries, type SeriesIndex } from './series-index.js';

/** One request to one source; equal keys are asked once, whatever the number of workloads. */
export interface Question {
  readonly key: string;
  readonly source: MetricSource;
  readonly request: MetricRequest;
}

/** The last that is known of a question. */
export interface Known {
  /** The last good answer; null before the first. */
  readonly index: SeriesIndex | null;
  /** When the last answer came, good or not. */
  readonly at: Millis;
  /** Why the last attempt gave nothing; null after a good one. */
  readonly failure: string | null;
}

interface Slot {
  known: Known | null;
  pending: Promise<void> | null;
  usedAt: Millis;
}

export interface Board {
  /**
   * Asks each question that is not being asked already; resolves when all have settled, at the latest after `withinMs`.
   * Gives how many there were.
   */
  ask(questions: Iterable<Question>, withinMs: Millis): Promise<number>;
  /** The same, but an answer that was asked for before this call does not do. */
  askAnew(questions: readonly Question[], withinMs: Millis): Promise<number>;
  known(key: string): Known | null;
  /** Drops what nobody has asked for since the given moment. */
  forget(before: Millis): void;
}

/** The answers of all sources, kept so that a failure leaves the last good values, which age. */
export function createBoard(clock: Clock): Board {
  const slots = new Map<string, Slot>();

  const askOne = (question: Question): Promise<void> => {
    const slot = slots.get(question.key) ?? { known: null, pending: null, usedAt: 0 };
    slots.set(question.key, slot);
    slot.usedAt = clock.now();
    slot.pending ??= settle(question, slot).finally(() => {
      slot.pending = null;
    });
    return slot.pending;
  };

  const settle = async (question: Question, slot: Slot): Promise<void> => {
    const answer = await question.source.read(question.request);
    if (answer.kind === 'answered') {
      slot.known = { index: await indexSeries(answer.series), at: clock.now(), failure: null };
    } else {
      slot.known = { index: slot.known?.index ?? null, at: clock.now(), failure: answer.why };
    }
  };

  const markLate = (key: string, withinMs: Millis) => {
    const slot = slots.get(key);
    if (slot === undefined || slot.pending === null) return;
    slot.known = {
      index: slot.known?.index ?? null,
      at: clock.now(),
      failure: `no answer within ${withinMs} ms`,
    };
  };

  const askAll = async (
    questions: Iterable<Question>,
    withinMs: Millis,
    askEach: (question: Question) => Promise<void>,
  ) => {
    const asked = [...new Map([...questions].map((each) => [each.key, each])).values()];
    const late = await timeIsUp(Promise.all(asked.map(askEach)), withinMs);
    if (late) for (const { key } of asked) markLate(key, withinMs);
    return asked.length;
  };

  return {
    ask: (questions, withinMs) => askAll(questions, withinMs, askOne),
    askAnew: (questions, withinMs) =>
      askAll(questions, withinMs, async (question) => {
        await slots.get(question.key)?.pending;
        await askOne(question);
      }),
    known: (key) => slots.get(key)?.known ?? null,
    forget(before) {
      for (const [key, slot] of slots) if (slot.usedAt < before && slot.pending === null) slots.delete(key);
    },
  };
}

/** True when the time was up first. */
async function timeIsUp(work: Promise<unknown>, withinMs: Millis): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const up = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), withinMs);
  });
  try {
    return await Promise.race([work.then(() => false), up]);
  } finally {
    clearTimeout(timer);
  }
}
