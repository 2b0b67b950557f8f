import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { pino } from 'pino';
import { startServer } from '../server/serve.js';
import {
  environmentOf,
  flagOf,
  isRepeatable,
  isSwitch,
  printableSettings,
  resolveSettings,
  SETTING_HELP,
  SETTING_NAMES,
  SettingsError,
  type Settings,
} from '../server/settings.js';
import { systemClock } from '../server/system-clock.js';
import { parsed, print, table, UsageError, whyUnread, type Command, type ExitCode } from './command.js';

export const serve: Command = {
  name: 'serve',
  summary: 'the gRPC external scaler and the admin HTTP server',
  usage: `pilotlight serve [--config FILE] [--print-config] [SETTING...]

Every setting below is also a key of the configuration file and a variable of the environment
(--grpc-listen is grpcListen and ${environmentOf('grpcListen')}). Flags win over the
environment, that over the file, that over the defaults. What is repeatable may also be given
once with commas, but for headers. The key gpu (pools, tiers, prices, budgets) is of the file
alone: docs/capacity.md.

${table(SETTING_NAMES.map((name) => [`  --${flagOf(name)}`, SETTING_HELP[name]]))}`,
  run: runServe,
};

async function runServe(args: string[]): Promise<ExitCode> {
  const { settings, printOnly } = settingsFrom(args);
  if (printOnly) {
    print(stringify(printableSettings(settings)).trimEnd());
    return 0;
  }
  const log = pino({ level: settings.logLevel }, pino.destination(2));
  const unread = whatIsUnread(settings);
  if (unread !== null) log.warn(unread);
  const server = await startServer({ settings, log, clock: systemClock });
  print(`pilotlight is ready: gRPC for KEDA on port ${server.grpcPort}, HTTP on port ${server.httpPort}`);
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  log.info(`${signal}: draining`);
  await server.stop();
  return 0;
}

/** What can be read at all without a source of metrics; null: there is one. */
export function whatIsUnread(settings: Settings): string | null {
  const { prometheus, scrapeTargets, allowPrometheus, redis } = settings;
  if (prometheus !== undefined || scrapeTargets !== undefined) return null;
  const read = [
    ...(allowPrometheus.length > 0 ? ['triggers that name an allowed prometheusAddress'] : []),
    ...(redis === undefined ? [] : ['backlogs of BullMQ queues']),
  ];
  const only = read.length === 0 ? 'no signal can be read' : `only ${read.join(' and ')} can be read`;
  return `neither --prometheus nor --scrape-targets is given: ${only}`;
}

function settingsFrom(args: string[]): { settings: Settings; printOnly: boolean } {
  const options = Object.fromEntries([
    ...SETTING_NAMES.map((name) => [
      flagOf(name),
      { type: isSwitch(name) ? ('boolean' as const) : ('string' as const), multiple: isRepeatable(name) },
    ]),
    ['config', { type: 'string' as const }],
    ['print-config', { type: 'boolean' as const }],
  ]);
  const { values, positionals } = parsed(args, options);
  if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0] ?? ''}"`);
  const flags = Object.fromEntries(
    SETTING_NAMES.flatMap((name) => {
      const value = values[flagOf(name)];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const config = values['config'] ?? process.env['PILOTLIGHT_CONFIG'];
  const file = typeof config === 'string' ? { path: config, values: readConfig(config) } : null;
  const settings = resolveSettings({ flags, environment: process.env, file });
  return { settings, printOnly: values['print-config'] === true };
}

function readConfig(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingsError(`--config ${path}: ${whyUnread(error)}`, {
      cause: error,
    });
  }
}
