import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { machine } from './processes.js';

// `tsx test/bench/policy.ts [TICKS]`: ticks a second through the policy filter, a process of its own as a simulator
// would start it. `streamed` sends as fast as the pipe takes; `answered` waits for each answer before the next tick.
const ticks = Number(process.argv[2] ?? 100_000);
const INIT = { type: 'init', provisionSeconds: 180, loadSeconds: 60, maxReplicas: 20, scrapeSeconds: 15 };

/** A load that swings between 1 and 41 requests over an hour, on 12 replicas. */
function tick(index: number): string {
  const t = index * 5;
  const concurrency = Math.round(21 + 20 * Math.sin((2 * Math.PI * t) / 3600));
  const sample = { t: t - 15, secs: 15, arrivals: concurrency, queue: 0, running: concurrency, ready: 12 };
  const replicas = { current: 12, ready: 12, starting: 0, pending: 0 };
  return `${JSON.stringify({ type: 'tick', t, ...replicas, samples: index % 3 === 0 && index > 2 ? [{ ...sample, spec: 12, util: 0.7, duty: 0.9 }] : [] })}\n`;
}

function filter() {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'policy', '--scaledobject', 'examples/llm-azure23-conv.yaml'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, answers };
}

/** @returns ticks a second, without the process's start */
async function measured(inFlight: number): Promise<number> {
  const { child, answers } = filter();
  child.stdin.write(`${JSON.stringify(INIT)}\n${tick(0)}`);
  await answers.next();
  const began = performance.now();
  let sent = 1;
  let received = 1;
  while (received < ticks) {
    while (sent < ticks && sent - received < inFlight) {
      child.stdin.write(tick(sent));
      sent += 1;
    }
    await answers.next();
    received += 1;
  }
  const seconds = (performance.now() - began) / 1000;
  child.stdin.end();
  return Math.round((ticks - 1) / seconds);
}

const results = {
  at: new Date().toISOString(),
  machine: machine(),
  ticks,
  ticksPerSecond: { streamed: await measured(1000), answered: await measured(1) },
};
mkdirSync('bench-results', { recursive: true });
writeFileSync('bench-results/policy.json', `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
