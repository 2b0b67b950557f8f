import type { FromProcess } from './process-pool.js';
import { suiteRunner, type SuiteAnswer, type SuiteOrder } from './suite-order.js';

/** A process that runs orders for `replay --suite`, one after the other, each answered. */

const run = suiteRunner();

process.on('message', (order: SuiteOrder) => process.send?.(answerTo(order)));
// The command is gone, and with it who would read the answers.
process.on('disconnect', () => process.exit(0));

function answerTo(order: SuiteOrder): FromProcess<SuiteAnswer> {
  try {
    return { kind: 'done', result: run(order) };
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}
