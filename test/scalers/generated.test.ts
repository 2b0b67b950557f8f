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

test('every profile that says what its pods have served has a golden case of it', () => {
  const covered = new Set(
    goldenCases().flatMap((each) => (each.served === undefined ? [] : [each.profile.name])),
  );
  const serving = [...profiles.values()].filter(({ served }) => served !== undefined);
  expect(serving.length).toBeGreaterThan(0);
  expect(serving.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
});
