import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Profile } from '../../src/policy/profile.js';
import { compileProfiles } from '../../src/policy/profiles.js';

/**
 * Golden cases: `scalers/fixtures/<profile>/<case>.yaml` says which pages a cluster shows and what one reading of the
 * profile makes of them. A new profile needs no code here.
 */

const SCALERS = new URL('../../scalers/', import.meta.url).pathname;
const FIXTURES = join(SCALERS, 'fixtures');

const target = z.strictObject({
  /** In `fixtures/pages`; null is a target that is down. */
  page: z.string().nullable(),
  /** What service discovery puts on the target. */
  labels: z.record(z.string(), z.string()),
  /** Scraped directly as an exporter of this word; else as the pod of its labels. */
  exporter: z.string().optional(),
  only: z.enum(['prometheus', 'direct']).optional(),
  /** Increase per second of series, each as the page spells it. */
  rates: z.record(z.string(), z.number()).default({}),
  /** Series that appear when the reading begins. */
  late: z.array(z.string()).default([]),
});

const row = z.strictObject({
  namespace: z.string().optional(),
  pod: z.string().optional(),
  service: z.string().optional(),
  model: z.string().optional(),
  value: z.number(),
  weight: z.number().optional(),
});

const golden = z.strictObject({
  about: z.string(),
  honorLabels: z.boolean().default(false),
  byModel: z.boolean().default(false),
  /** Of the rows that belong to the case; the first is that of the expected rows. */
  namespaces: z.array(z.string()).min(1),
  targets: z.array(target).min(1),
  expect: z.array(row),
  /** Where the direct form differs, or that there is none. */
  direct: z.union([z.array(row), z.literal('none')]).optional(),
  /** Pods whose silence is a zero. */
  alive: z.array(z.string()).optional(),
  /** What the pods have served, for profiles that say how to read it; and where the direct form differs. */
  served: z.array(row).optional(),
  directServed: z.array(row).optional(),
  /** How long the pods took to load their models, for profiles that say how to read it. */
  modelLoad: z.array(row).optional(),
  /** A share of the value. */
  tolerance: z.number().default(0.02),
});

export type GoldenTarget = z.infer<typeof target>;
export type GoldenRow = z.infer<typeof row>;
export interface GoldenCase extends z.infer<typeof golden> {
  readonly name: string;
  readonly profile: Profile;
}

export const profiles = compileProfiles(
  readdirSync(SCALERS)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ file: `scalers/${name}`, text: readFileSync(join(SCALERS, name), 'utf8') })),
);

export function goldenCases(): GoldenCase[] {
  return readdirSync(FIXTURES)
    .filter((folder) => folder !== 'pages')
    .flatMap((folder) =>
      readdirSync(join(FIXTURES, folder)).map((file) => readCase(folder, join(FIXTURES, folder, file))),
    );
}

/** The page's text as it lies there; null for a target that is down. */
export function pageOf({ page }: GoldenTarget): string | null {
  return page === null ? null : readFileSync(join(FIXTURES, 'pages', page), 'utf8');
}

function readCase(folder: string, file: string): GoldenCase {
  const profile = profiles.get(folder);
  if (profile === undefined) throw new Error(`${file}: there is no profile ${folder}`);
  const parsed = golden.safeParse(parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  for (const each of parsed.data.targets) checkSeries(file, each);
  return { ...parsed.data, name: `${folder}: ${basename(file, '.yaml')}`, profile };
}

/** A misspelt series would leave its counter standing still. */
function checkSeries(file: string, target: GoldenTarget): void {
  const lines = pageOf(target)?.split('\n') ?? [];
  for (const series of [...Object.keys(target.rates), ...target.late])
    if (lines.filter((line) => line.startsWith(`${series} `)).length !== 1)
      throw new Error(`${file}: expected one line of ${String(target.page)} to be ${series}`);
}
