import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { lintReference } from '../src/policy/lint/reference.js';
import { profileSchema, type Profile } from '../src/policy/profile.js';
import { compileProfiles } from '../src/policy/profiles.js';

/** Writes what is derived from the profiles, their schema and the lint rules. `--check` writes nothing and exits 1 when it is stale. */

const START = '<!-- profiles -->';
const END = '<!-- /profiles -->';

process.chdir(new URL('..', import.meta.url).pathname);
const check = process.argv.includes('--check');
const profiles = readProfiles();
const stale: string[] = [];

await generate('scalers/schema.json', JSON.stringify(z.toJSONSchema(profileSchema, { io: 'input' })));
await generate('scalers/README.md', withTable('scalers/README.md', profiles));
await generate('README.md', withTable('README.md', profiles));
await generate('docs/lint.md', lintReference());

if (stale.length > 0) {
  console.log(check ? `stale: ${stale.join(', ')}; run npm run generate` : `written: ${stale.join(', ')}`);
  if (check) process.exitCode = 1;
}

function readProfiles(): Profile[] {
  const files = readdirSync('scalers').filter((name) => name.endsWith('.yaml'));
  const compiled = compileProfiles(
    files.map((name) => ({ file: `scalers/${name}`, text: readFileSync(`scalers/${name}`, 'utf8') })),
  );
  return [...compiled.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param content null leaves the file alone */
async function generate(path: string, content: string | null): Promise<void> {
  if (content === null) return;
  const formatted = await format(content, { ...(await resolveConfig(path)), filepath: path });
  if (existsSync(path) && readFileSync(path, 'utf8') === formatted) return;
  stale.push(path);
  if (!check) writeFileSync(path, formatted);
}

/** The page with a new table between its markers; null where there is no page or it has no markers. */
function withTable(path: string, profiles: readonly Profile[]): string | null {
  if (!existsSync(path)) return null;
  const page = readFileSync(path, 'utf8');
  const [before, rest] = halves(page, START);
  const [, after] = halves(rest, END);
  return after === null ? null : `${before}${START}\n\n${table(profiles)}\n\n${END}${after}`;
}

function halves(text: string | null, marker: string): [string | null, string | null] {
  const at = text?.indexOf(marker) ?? -1;
  return text === null || at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + marker.length)];
}

function table(profiles: readonly Profile[]): string {
  const head = ['profile', 'metric', 'kind', 'unit', 'default target', 'absent means', 'wake'];
  const rows = profiles.map((profile) => [
    `\`${profile.name}\``,
    profile.source.metric,
    profile.kind,
    profile.unit,
    targetOf(profile),
    absenceOf(profile),
    profile.wake === undefined ? '' : `\`${profile.wake}\``,
  ]);
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function targetOf({ target }: Profile): string {
  if (target === undefined) return 'from the trigger';
  return typeof target === 'number' ? String(target) : `${target.perSlot} × slots`;
}

function absenceOf({ absence, prometheus }: Profile): string {
  if ('alive' in prometheus) return '0 if the pod is up';
  return absence === 'idle' ? '0' : 'unknown';
}
