import type { Score } from '../replay/score.js';
import type { FromProcess } from './process-pool.js';
import { runOrder, type Parts, type RunOrder, type ToWorker } from './tune-run.js';

/** A process that runs settings for `tune`: the parts of the load first, then one order after the other, each answered. */

let parts: Parts | null = null;

process.on('message', (message: ToWorker) => {
  if (message.kind === 'parts') ({ parts } = message);
  else process.send?.(answerTo(message.order));
});
// The command is gone, and with it who would read the answers.
process.on('disconnect', () => process.exit(0));

function answerTo(order: RunOrder): FromProcess<Score> {
  try {
    if (parts === null) throw new Error('an order came before the load');
    return { kind: 'done', result: runOrder(parts, order) };
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}
