#!/usr/bin/env node
import { ProfileError } from '../policy/profiles.js';
import { nearest } from '../policy/nearest.js';
import { SettingsError } from '../server/settings.js';
import { complain, print, table, UsageError, type Command, type ExitCode } from './command.js';

/** By name, in the order of the help. Loaded on use: the server's parts take half a second that a replay needs not wait. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serve,
  demo: async () => (await import('./demo.js')).demo,
  lint: async () => (await import('./lint.js')).lint,
  profiles: async () => (await import('./profiles.js')).profiles,
  explain: async () => (await import('./explain.js')).explain,
  announce: async () => (await import('./announce.js')).announce,
  wake: async () => (await import('./wake.js')).wake,
  replay: async () => (await import('./replay.js')).replay,
  tune: async () => (await import('./tune.js')).tune,
  calibrate: async () => (await import('./calibrate.js')).calibrate,
  policy: async () => (await import('./policy.js')).policy,
};

async function main(args: string[]): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(await help());
    return name === undefined ? 2 : 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    const near = nearest(name, Object.keys(COMMANDS));
    complain(
      `pilotlight: no command "${name}"${near === null ? '' : `; did you mean ${near}?`} (pilotlight --help)`,
    );
    return 2;
  }
  const command = await load();
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

async function help(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const rows = commands.map((command) => [`  ${command.name}`, command.summary]);
  return `pilotlight COMMAND\n\n${table(rows)}\n\npilotlight COMMAND --help says more.`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(`pilotlight: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
