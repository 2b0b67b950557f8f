import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { goldenCases, profiles } from './cases.js';

const ROOT = new URL('../../', import.meta.url);

test('what is generated from the profiles is up to date', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'scripts/generate.ts', '--check'],
    { cwd: ROOT },
  );
  expect(stdout).toBe('');
});

test('every profile that reads metrics has a golden case', () => {
  const covered = new Set(goldenCases().map(({ profile }) => profile.name));
  const reading = [...profiles.values()].filter(
    ({ prometheus, scrape }) => 'value' in prometheus || !('none' in scrape),
  );
  expect(reading.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
});

test.each(['served', 'modelLoad'] as const)(
  'every profile that says what its pods report as %s has a golden case of it',
  (what) => {
    const covered = new Set(
      goldenCases().flatMap((each) => (each[what] === undefined ? [] : [each.profile.name])),
    );
    const saying = [...profiles.values()].filter((profile) => profile[what] !== undefined);
    expect(saying.length).toBeGreaterThan(0);
    expect(saying.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  },
);
