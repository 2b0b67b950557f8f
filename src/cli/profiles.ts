import { stringify } from 'yaml';
import { clusterQuery } from '../policy/promql.js';
import type { Profile } from '../policy/profile.js';
import { nearest } from '../policy/nearest.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { parsed, print, table, UsageError, type Command, type ExitCode } from './command.js';

export const profiles: Command = {
  name: 'profiles',
  summary: 'lists the profiles, or shows one with its queries',
  usage: `pilotlight profiles [NAME] [--scalers DIR] [--window 1m] [--json]

Without NAME: all profiles, with what they measure and their default targets.
With NAME: the profile, the query that reads it for the whole cluster, and what to mind.`,
  run: (args) => Promise.resolve(runProfiles(args)),
};

function runProfiles(args: string[]): ExitCode {
  const { values, positionals } = parsed(args, {
    scalers: { type: 'string' },
    window: { type: 'string', default: '1m' },
    json: { type: 'boolean', default: false },
  });
  const known = loadProfiles(typeof values['scalers'] === 'string' ? values['scalers'] : undefined);
  const window = String(values['window']);
  const [name] = positionals;
  if (name === undefined) {
    const all = [...known.values()];
    print(values['json'] === true ? JSON.stringify(all, null, 2) : list(all));
    return 0;
  }
  const profile = known.get(name);
  if (profile === undefined) {
    const near = nearest(name, known.keys());
    throw new UsageError(`no profile "${name}"${near === null ? '' : `; did you mean ${near}?`}`);
  }
  print(
    values['json'] === true
      ? JSON.stringify({ ...profile, query: queryOf(profile, window) }, null, 2)
      : one(profile, window),
  );
  return 0;
}

function list(all: readonly Profile[]): string {
  const rows = all.map((each) => [each.name, each.kind, targetOf(each), each.wake ?? '-', each.summary]);
  return table([['PROFILE', 'KIND', 'TARGET', 'WAKE', 'MEANING'], ...rows]);
}

function targetOf({ target, unit }: Profile): string {
  if (target === undefined) return `required (${unit})`;
  return typeof target === 'number' ? `${target} ${unit}` : `${target.perSlot} × slots`;
}

function one(profile: Profile, window: string): string {
  const { prometheus: _query, scrape, caution, ...rest } = profile;
  const query = queryOf(profile, window);
  return [
    stringify({ ...rest, target: targetOf(profile) }, { lineWidth: 110 }).trimEnd(),
    ...(caution === undefined ? [] : ['', `Mind: ${caution.trim()}`]),
    '',
    query === null ? 'Prometheus:' : 'Prometheus, one query for all workloads:',
    query ?? reasonWithout(profile),
    '',
    'Straight from /metrics:',
    'none' in scrape ? scrape.none : stringify(scrape, { lineWidth: 110 }).trimEnd(),
  ].join('\n');
}

function queryOf(profile: Profile, window: string): string | null {
  return 'value' in profile.prometheus ? clusterQuery(profile, profile.prometheus, false, window) : null;
}

function reasonWithout({ prometheus }: Profile): string {
  return 'none' in prometheus ? prometheus.none : "the trigger's `query`, confined to its namespace";
}
