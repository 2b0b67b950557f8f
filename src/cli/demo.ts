import { pino } from 'pino';
import { runDemo, type Show, type StartScaler } from '../demo/demo.js';
import { LEAST_SECONDS, MOST_SPEED, timingOf, type Timing } from '../demo/story.js';
import { jsonShow } from '../demo/view/json.js';
import { liveShow } from '../demo/view/live.js';
import { plainShow } from '../demo/view/plain.js';
import { startServer } from '../server/serve.js';
import { resolveSettings } from '../server/settings.js';
import { complain, parsed, print, UsageError, type Command, type ExitCode } from './command.js';

export const demo: Command = {
  name: 'demo',
  summary: 'zero to N and back under a moving load, on this machine, with nothing installed',
  usage: `pilotlight demo [--seconds N] [--speed S] [--json]

Simulated Triton, TGI and DCGM endpoints under a load that goes idle, burst, plateau, idle and
then bursts once more, of which two of the three workloads are told before; the real server,
which scrapes them and warms them up; and a stand-in for KEDA and the HPA that calls the server
as KEDA does. All of it on this machine, on loopback; warm-ups are kept in a redis-server of the
demo where there is one, else in PGlite. Ctrl-C ends it.

  --seconds N  fit the whole story into N seconds (${LEAST_SECONDS} or more; below 26 without the second burst) and end at zero:
               exit 0, or 1 when a workload did not get there
  --speed S    so many times as fast as real time, at most ${MOST_SPEED} (default: 8, or what --seconds needs);
               with --seconds the plateau takes what time is left
  --json       a line for each change of replicas or of a warm-up and, each second, for each workload`,
  run: runDemoCommand,
};

async function runDemoCommand(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args, {
    seconds: { type: 'string' },
    speed: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0] ?? ''}"`);
  const timing = timingFrom(values['seconds'], values['speed']);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  // Not once: npm passes on the Ctrl-C that the terminal has sent already, and the second must not kill.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, interrupt);
  process.stdout.on('error', interrupt); // a reader such as head has seen enough
  const warnings: string[] = [];
  try {
    const show = showFor(values['json'] === true);
    const summary = await runDemo(timing, starter(warnings), show, interrupted.signal);
    for (const problem of [...summary.problems, ...warnings]) complain(`pilotlight demo: ${problem}`);
    return summary.problems.length === 0 ? 0 : 1;
  } finally {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.off(name, interrupt);
  }
}

function timingFrom(seconds: unknown, speed: unknown): Timing {
  const numberOf = (value: unknown) =>
    typeof value === 'string' ? Number(value === '' ? 'none' : value) : null;
  const timing = timingOf(numberOf(seconds), numberOf(speed));
  if (typeof timing === 'string') throw new UsageError(timing);
  return timing;
}

function showFor(json: boolean): Show {
  if (json) return jsonShow(print);
  return process.stdout.isTTY ? liveShow(process.stdout) : plainShow(print);
}

/** Warnings of the server would tear the table: they are kept for the end. */
function starter(warnings: string[]): StartScaler {
  const loopback = { grpcListen: '127.0.0.1:0', httpListen: '127.0.0.1:0', noCluster: true };
  const settings = resolveSettings({ flags: loopback, environment: {}, file: null });
  const log = pino({ level: 'warn', base: null }, { write: (line) => void warnings.push(line.trim()) });
  // The story is faster than the store's own clock: it is looked at more often.
  const limits = { refresh: 200, sweep: 500, turn: 200 };
  const warmUps = { redisUrl: null, stateDir: null, embedded: 'auto', limits } as const;
  return ({ targets, clock, tick }) =>
    startServer({ settings: { ...settings, tick }, log, clock, targets, warmUps });
}
