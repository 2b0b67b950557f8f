import { openWarmUps, type WarmUpParts } from '../../src/warmup/open.js';
import type { StepContext, StepResult } from '../../src/ports/warm-up-steps.js';
import type { WarmUp } from '../../src/ports/warm-up.js';
import { pause } from '../../src/warmup/pause.js';
import { NotedLog, QUICK } from './support.js';

// `tsx scaler-process.ts PARTS`: a scaler process of its own, to be killed. Says a line for the beginning and the end of
// each step, with the time that steps take in `stepMs`.

const { stepMs, ...place } = JSON.parse(process.argv[2] ?? '{}') as { stepMs: number } & Pick<
  WarmUpParts,
  'redisUrl' | 'stateDir' | 'embedded'
>;

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function step(name: string, { id, workload }: WarmUp, { signal }: StepContext): Promise<StepResult> {
  const began = Date.now();
  say({ step: name, id, workload, began });
  await pause(stepMs, signal);
  say({ step: name, id, workload, began, ended: Date.now() });
  return { outcome: 'done', note: 'done elsewhere', split: {} };
}

const warmUps = await openWarmUps({
  ...place,
  clock: { now: () => Date.now() },
  log: new NotedLog(),
  limits: QUICK,
  steps: {
    holdNodes: (warmUp, context) => step('nodes', warmUp, context),
    waitReady: (warmUp, context) => step('ready', warmUp, context),
    warmModel: (warmUp, context) => step('model', warmUp, context),
    releaseNodes: () => Promise.resolve(),
  },
});
say({ open: true });
process.once('SIGTERM', () => {
  void warmUps.close().then(() => process.exit(0));
});
