import { once } from 'node:events';
import { LONGEST_LINE } from '../replay/pilotlight/filter-messages.js';
import { policyFilter, type Reply } from '../replay/pilotlight/filter.js';
import { readManifest, replayTrigger, type ReplayManifest } from '../replay/pilotlight/manifest.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { parsed, UsageError, type Command, type ExitCode } from './command.js';
import { linesOf } from './lines.js';
import { historyFrom } from './replay-history.js';
import { contents, inputFaultsAsUsage } from './replay-inputs.js';

export const policy: Command = {
  name: 'policy',
  summary: "one workload's policy as a filter: observations as JSON lines in, decisions out",
  usage: `pilotlight policy --scaledobject FILE [--scalers DIR] [--history FILE]

Reads {"type":"init",…} and then {"type":"tick",…} lines from standard input and answers each tick with
{"replicas":…,"active":…,"reasons":[…]}. A line that is wrong is answered with {"error":…,"line":…} and the
exit code is then 1. The manifest's slots, serviceTime and maxReplicaCount win over those of init, the smaller
maxReplicas over the larger. --history is the load before the first tick, as replay takes it. docs/replay.md has
all fields.`,
  run: runPolicy,
};

async function runPolicy(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args, {
    scaledobject: { type: 'string' },
    scalers: { type: 'string' },
    history: { type: 'string' },
  });
  const file = values['scaledobject'];
  if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0] ?? ''}"`);
  if (typeof file !== 'string') throw new UsageError('--scaledobject FILE is required');
  const profiles = loadProfiles(typeof values['scalers'] === 'string' ? values['scalers'] : undefined);
  const { manifest, trigger } = inputFaultsAsUsage(() => {
    const read = readManifest(contents(file).toString('utf8'), file);
    // What is wrong whatever `init` says shows now.
    return { manifest: read, trigger: replayTrigger(read, anyCapacity(read), 1, profiles) };
  });
  const history = historyFrom(values, trigger, 'policy');
  return answerAll(policyFilter(manifest, profiles, { history }));
}

function anyCapacity({ slots, serviceTime }: ReplayManifest): { slots: number; serviceTime: number } {
  return { slots: slots ?? 1, serviceTime: serviceTime ?? 1 };
}

/** All lines that have come are answered before more are waited for, in one write. */
async function answerAll(filter: (text: string, line: number) => Reply | null): Promise<ExitCode> {
  let line = 0;
  let faults = 0;
  let readerLeft = false;
  process.stdout.once('error', () => {
    readerLeft = true;
  });
  for await (const lines of linesOf(process.stdin, LONGEST_LINE)) {
    let answers = '';
    for (const text of lines) {
      line += 1;
      const reply = filter(text, line);
      if (reply === null) continue;
      if ('error' in reply) faults += 1;
      answers += `${JSON.stringify(reply)}\n`;
    }
    if (answers !== '' && !process.stdout.write(answers))
      await once(process.stdout, 'drain').catch(() => null);
    if (readerLeft) return 1;
  }
  return faults > 0 ? 1 : 0;
}
