import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DURATION, parseDuration } from '../policy/duration.js';
import { askServer, SERVER, workloadNamed } from './admin-api.js';
import { complain, parsed, print, UsageError, type Command, type ExitCode } from './command.js';

export const announce: Command = {
  name: 'announce',
  summary: 'tells a running server of load before it comes',
  usage: `pilotlight announce NAMESPACE/NAME --jobs N --deadline TIME [--starts-at TIME] [--key KEY]
  [--server ${SERVER}] [--token-file FILE] [--json]

So many jobs begin at --starts-at (now) and are to be done by --deadline. The fewest replicas that make it are asked for
the lead time before, and kept until the deadline. The trigger has to say serviceTime, and slots where they are not 1.

  --starts-at, --deadline   2026-11-23T08:00:00Z, or a duration: from now, and from the start
  --key                     the same announcement twice is one; without a key each is a new one`,
  run: runAnnounce,
};

async function runAnnounce(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args, {
    jobs: { type: 'string' },
    'starts-at': { type: 'string', default: '0s' },
    deadline: { type: 'string' },
    key: { type: 'string' },
    server: { type: 'string', default: SERVER },
    'token-file': { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const workload = workloadNamed(positionals);
  const jobs = String(values['jobs'] ?? '');
  if (!/^[1-9]\d{0,9}$/.test(jobs))
    throw new UsageError(`--jobs: got "${jobs}", expected a whole number above 0`);
  const startsAt = moment('starts-at', values['starts-at'], Date.now());
  const deadline = moment('deadline', values['deadline'], startsAt);
  const asked = await askServer(`/v1/workloads/${workload}/announce`, values, {
    jobs: Number(jobs),
    startsAt: new Date(startsAt).toISOString(),
    deadline: new Date(deadline).toISOString(),
    idempotencyKey: String(values['key'] ?? randomUUID()),
  });
  if (asked.error !== null) {
    complain(`pilotlight announce: ${asked.error}`);
    return 1;
  }
  const { outcome, from, until, inTime, why } = answer.parse(asked.body);
  if (values['json'] === true) print(JSON.stringify(asked.body, null, 2));
  else print(`${outcome}: ${why}; from ${from} until ${until}`);
  // A load that cannot be done in time is not what was asked for, although all that can be done is.
  return inTime ? 0 : 1;
}

const answer = z.object({
  outcome: z.string(),
  from: z.string(),
  until: z.string(),
  inTime: z.boolean(),
  why: z.string(),
});

/** A moment as it is, or so long after another. @throws UsageError */
function moment(flag: string, given: unknown, after: number): number {
  const text = typeof given === 'string' ? given : '';
  const length = parseDuration(text);
  if (length !== null) return after + length;
  const at = z.iso.datetime({ offset: true }).safeParse(text).success ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw new UsageError(
    `--${flag}: got "${text}", expected a time such as 2026-11-23T08:00:00Z or ${DURATION}`,
  );
}
