import { complain, UsageError } from '../../src/cli/command.js';
import { policy } from '../../src/cli/policy.js';
import { replay } from '../../src/cli/replay.js';

// `replay` and `policy` as main.ts runs a command.
const [name, ...args] = process.argv.slice(2);
const command = [replay, policy].find((each) => each.name === name);
try {
  process.exitCode = (await command?.run(args)) ?? 2;
} catch (error) {
  complain(`pilotlight ${name ?? ''}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
