import { z } from 'zod';
import { askServer, SERVER, workloadNamed } from './admin-api.js';
import { complain, parsed, print, UsageError, type Command, type ExitCode } from './command.js';

export const wake: Command = {
  name: 'wake',
  summary: 'wakes a workload by hand',
  usage: `pilotlight wake NAMESPACE/NAME [--replicas 1] [--for 15m] [--server ${SERVER}] [--token-file FILE] [--json]

Keeps at least so many replicas for so long, whatever the load, and in a sleep window too. A second wake takes the place
of the first; --for 0s ends it.`,
  run: runWake,
};

async function runWake(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args, {
    replicas: { type: 'string', default: '1' },
    for: { type: 'string', default: '15m' },
    server: { type: 'string', default: SERVER },
    'token-file': { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const workload = workloadNamed(positionals);
  const replicas = String(values['replicas']);
  if (!/^[1-9]\d{0,5}$/.test(replicas))
    throw new UsageError(`--replicas: got "${replicas}", expected a whole number above 0`);
  const asked = await askServer(`/v1/workloads/${workload}/wake`, values, {
    replicas: Number(replicas),
    for: String(values['for']),
  });
  if (asked.error !== null) {
    complain(`pilotlight wake: ${asked.error}`);
    return 1;
  }
  const { replicas: least, until, cappedAt } = answer.parse(asked.body);
  const cap = cappedAt === undefined ? '' : `, capped at ${cappedAt}, the most there may be`;
  print(
    values['json'] === true ? JSON.stringify(asked.body, null, 2) : `at least ${least} until ${until}${cap}`,
  );
  return 0;
}

const answer = z.object({ replicas: z.number(), until: z.string(), cappedAt: z.number().optional() });
