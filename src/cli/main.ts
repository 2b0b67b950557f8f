#!/usr/bin/env node
import { ProfileError } from '../policy/profiles.js';
import { nearest } from '../policy/nearest.js';
import { SettingsError } from '../server/settings.js';
import { complain, print, table, UsageError, type Command, type ExitCode } from './command.js';
import { explain } from './explain.js';
import { lint } from './lint.js';
import { profiles } from './profiles.js';
import { serve } from './serve.js';
import { replay } from './replay.js';
import { calibrate } from './calibrate.js';
import { policy } from './policy.js';
import { demo } from './demo.js';

const COMMANDS: readonly Command[] = [serve, demo, lint, profiles, explain, replay, calibrate, policy];

async function main(args: string[]): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(help());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) {
    const near = nearest(
      name,
      COMMANDS.map((each) => each.name),
    );
    complain(
      `pilotlight: no command "${name}"${near === null ? '' : `; did you mean ${near}?`} (pilotlight --help)`,
    );
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    print(command.usage);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof SettingsError || error instanceof ProfileError))
      throw error;
    complain(`pilotlight ${name}: ${error.message}\n(pilotlight ${name} --help)`);
    return 2;
  }
}

function help(): string {
  const rows = COMMANDS.map((command) => [`  ${command.name}`, command.summary]);
  return `pilotlight COMMAND\n\n${table(rows)}\n\npilotlight COMMAND --help says more.`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(`pilotlight: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
