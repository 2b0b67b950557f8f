import { inWords, type Millis } from '../../core/time.js';
import { QueryFault } from './fault.js';

/** One deadline over a whole call: waiting for a place, connecting, headers, body, and a second attempt. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** What the call is at, for the message when time runs out. */
  stage: string;
  /** The work's result, or a rejection at the deadline even if the work does not listen to the signal. */
  over<T>(work: Promise<T>): Promise<T>;
  /** Gives up now, for this reason. */
  giveUp(fault: QueryFault): void;
  /** Must be called when the call is over. */
  clear(): void;
}

export function startDeadline(length: Millis): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => {
    const why = `no whole answer within ${inWords(length)} (at the end: ${deadline.stage})`;
    controller.abort(new QueryFault('timeout', why));
  }, length);
  const passed = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  passed.catch(() => undefined); // it is only ever awaited beside the work
  const deadline: Deadline = {
    signal,
    stage: 'starting',
    over: (work) => Promise.race([work, passed]),
    giveUp: (fault) => controller.abort(fault),
    clear: () => clearTimeout(timer),
  };
  return deadline;
}
