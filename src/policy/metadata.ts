import { z } from 'zod';
import { MOST_REPLICAS, POLICY_DEFAULTS, type Slo } from '../core/policy.js';
import { DAY, type Millis } from '../core/time.js';
import { DURATION, parseDuration } from './duration.js';
import { nearest } from './nearest.js';
import {
  isTimezone,
  parseSleepWindows,
  parseWarmWindows,
  SLEEP_WINDOWS,
  TIMEZONE,
  WARM_WINDOWS,
} from './windows.js';

/**
 * The keys of a trigger's metadata: the single definition. All values are strings, as KEDA passes them, and any tenant
 * who can write a ScaledObject writes them.
 */

const text = (expected: string, pattern: RegExp) => z.string().regex(pattern).describe(expected);
const numeric = (expected: string, isRight: (value: number) => boolean) =>
  z
    .string()
    .regex(/^\d{1,12}(?:\.\d{1,9})?$/)
    .transform(Number)
    .refine(isRight)
    .describe(expected);
/** Text that a reader makes something of; null is what it cannot read. */
const read = <T>(expected: string, reader: (value: string) => T | null) =>
  z
    .string()
    .transform((value, context): T => {
      const parsed = reader(value);
      if (parsed !== null) return parsed;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    })
    .describe(expected);
const duration = (expected: string, most: Millis, least: Millis = 0) =>
  read(expected, (value) => {
    const parsed = parseDuration(value);
    return parsed !== null && parsed >= least && parsed <= most ? parsed : null;
  });
const word = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words).describe(words.join(' or '));

const isCount = (value: number) => Number.isInteger(value) && value <= MOST_REPLICAS;

const NAME = String.raw`[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?`;

export const metadataSchema = z.strictObject({
  profile: text('one or more profile names, comma separated', /^[a-z0-9-]+(?:\s*,\s*[a-z0-9-]+){0,15}$/),
  target: text('a number > 0, or NAME=VALUE pairs, comma separated', /^[a-z0-9=.,\s-]{1,1024}$/).optional(),
  activation: numeric('a number ≥ 0', (value) => value >= 0).optional(),
  wake: text('the name of a profile that does not need the pods, or none', /^[a-z0-9-]{1,63}$/).optional(),
  query: z.string().min(1).max(4096).describe('PromQL, at most 4096 characters').optional(),
  workload: text(
    'deployment/NAME or statefulset/NAME',
    new RegExp(`^(?:deployment|statefulset)/${NAME}$`),
  ).optional(),
  service: text('the name of a Kubernetes Service', new RegExp(`^${NAME}$`)).optional(),
  queue: text('a BullMQ queue: NAME or PREFIX:NAME', /^[\w.{}-]{1,128}(?::[\w.{}-]{1,128})?$/).optional(),
  model: text('a model name of at most 256 printable characters', /^\P{Cc}{1,256}$/u).optional(),
  slots: numeric('a number of requests > 0', (value) => value > 0).optional(),
  serviceTime: read('seconds > 0, such as 8 or 0.25, or a duration such as 1m30s', (value) => {
    const parsed = /^\d{1,6}(?:\.\d{1,6})?$/.test(value) ? Number(value) * 1000 : parseDuration(value);
    return parsed !== null && parsed > 0 && parsed <= DAY ? parsed : null;
  }).optional(),
  tolerance: numeric('a share from 0 to below 1, such as 0.1', (value) => value < 1).default(
    POLICY_DEFAULTS.tolerance,
  ),
  holdFor: duration(`${DURATION}, at most 24h`, DAY).default(POLICY_DEFAULTS.holdFor),
  minReplicas: numeric(`a whole number from 0 to ${MOST_REPLICAS}`, isCount).default(
    POLICY_DEFAULTS.minReplicas,
  ),
  maxReplicas: numeric(
    `a whole number from 1 to ${MOST_REPLICAS}`,
    (value) => isCount(value) && value >= 1,
  ).optional(),
  burst: word('on', 'off').default('on'),
  scaleDownWindow: duration(`${DURATION}, at most 24h`, DAY).default(POLICY_DEFAULTS.scaleDownWindow),
  slo: read('WAIT@SHARE such as 10s@99%: a wait of 1s to 24h, a share of 50% to 100%', parseSlo).optional(),
  forecast: word('off', 'on', 'auto').default(POLICY_DEFAULTS.forecast),
  leadTime: read('auto, or a duration from 1s to 24h', (value): Millis | 'auto' | null => {
    const parsed = value === 'auto' ? value : parseDuration(value);
    return parsed === 'auto' || (parsed !== null && parsed > 0 && parsed <= DAY) ? parsed : null;
  }).default('auto'),
  warmWindows: read(WARM_WINDOWS, parseWarmWindows).optional(),
  sleepWindows: read(SLEEP_WINDOWS, parseSleepWindows).optional(),
  timezone: z.string().refine(isTimezone).describe(TIMEZONE).optional(),
  deadline: duration('a duration from 1s to 168h', 7 * DAY, 1).optional(),
  tier: word('1', '2').default('2'),
  output: word('replicas', 'signal').default('replicas'),
  dryRun: word('true', 'false').default('false'),
  prometheusAddress: text(
    'an http or https address on the server’s allow list',
    /^https?:\/\/[^\s]{1,2000}$/i,
  ).optional(),
  scalerAddress: z.string().describe('KEDA’s own').optional(),
  enableTLS: z.string().describe('KEDA’s own').optional(),
  unsafeSsl: z.string().describe('KEDA’s own').optional(),
});

export type Metadata = z.infer<typeof metadataSchema>;

const KEYS = Object.keys(metadataSchema.shape);

/** Bounds on what a tenant can make the scaler hold or print. */
const MOST_KEYS = 64;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 8192;

/** One thing that is wrong with one key. */
export interface MetadataProblem {
  readonly key: string;
  /** As given, shortened. */
  readonly value: string;
  readonly expected: string;
  /** The known key that a typo most likely meant. */
  readonly nearest: string | null;
  /** Names key, value, expectation and nearest key in one line. */
  readonly message: string;
}

export type ParsedMetadata =
  | { readonly ok: true; readonly metadata: Metadata }
  | { readonly ok: false; readonly problems: readonly MetadataProblem[] };

/** Reads a trigger's metadata as KEDA sends it. Never throws; unknown and malformed keys are all reported at once. */
export function parseMetadata(raw: Readonly<Record<string, string>>): ParsedMetadata {
  const oversized = tooLarge(raw);
  if (oversized !== null) return { ok: false, problems: [oversized] };
  const { values, problems } = resolved(raw);
  const parsed = metadataSchema.safeParse(values);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys')
        problems.push(...issue.keys.map((key) => unknownKey(key, values[key] ?? '')));
      else problems.push(wrongValue(String(issue.path[0] ?? ''), values));
    }
  }
  const unique = [...new Map(problems.map((each) => [each.key, each])).values()];
  return parsed.success && unique.length === 0
    ? { ok: true, metadata: parsed.data }
    : { ok: false, problems: unique };
}

export function problem(
  key: string,
  value: string,
  expected: string,
  near: string | null = null,
): MetadataProblem {
  const [name, shown] = [shortened(key), shortened(value)];
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  const message = `${name}: got "${shown}", expected ${expected}.${hint}`;
  return { key: name, value: shown, expected, nearest: near, message };
}

function tooLarge(raw: Readonly<Record<string, string>>): MetadataProblem | null {
  const keys = Object.keys(raw);
  if (keys.length > MOST_KEYS) return problem('metadata', `${keys.length} keys`, `at most ${MOST_KEYS} keys`);
  for (const key of keys) {
    if (key.length > LONGEST_KEY) return problem(key, '', `keys of at most ${LONGEST_KEY} characters`);
    const size = raw[key]?.length ?? 0;
    if (size > LONGEST_VALUE)
      return problem(key, `${size} characters`, `at most ${LONGEST_VALUE} characters`);
  }
  return null;
}

/** Drops empty values of known keys (KEDA sends them for keys left empty) and reads `xFromEnv` as `x`. */
function resolved(raw: Readonly<Record<string, string>>): {
  values: Record<string, string>;
  problems: MetadataProblem[];
} {
  const values = new Map<string, string>();
  const problems: MetadataProblem[] = [];
  for (const [given, value] of Object.entries(raw)) {
    const key = given.replace(/(?<=.)FromEnv$/, '');
    if (value === '' && KEYS.includes(key)) continue;
    if (values.has(key)) {
      problems.push(problem(given, value, `either ${key} or ${key}FromEnv, not both`));
    } else {
      values.set(key, value);
    }
  }
  return { values: Object.fromEntries(values), problems };
}

function unknownKey(key: string, value: string): MetadataProblem {
  const near = nearest(key, KEYS);
  return problem(key, value, 'one of the known keys', near);
}

function wrongValue(key: string, values: Readonly<Record<string, string>>): MetadataProblem {
  const schema: z.ZodType | undefined = metadataSchema.shape[key as keyof typeof metadataSchema.shape];
  const expected = expectation(schema);
  return problem(key, values[key] ?? '', values[key] === undefined ? `${expected} (required)` : expected);
}

/** `10s@99%`: 99 % of the requests wait at most 10 s. Less than half of them is `0.99%` for 99 %, or means nothing. */
function parseSlo(text: string): Slo | null {
  const [, first = '', second = ''] = /^([^@]{1,20})@(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text) ?? [];
  const [wait, percent] = [parseDuration(first), Number(second)];
  if (wait === null || wait < 1 || wait > DAY || percent < 50 || percent > 100) return null;
  return { wait, share: percent / 100 };
}

/** The description may sit under `optional` or `default`. */
function expectation(schema: z.ZodType | undefined): string {
  if (schema === undefined) return 'another value';
  if (schema.description !== undefined) return schema.description;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return expectation(schema.unwrap() as z.ZodType);
  }
  return 'another value';
}

/** Tenants' text in messages: short, in one line, and without the half of a character that a cut leaves, which cannot be sent. */
export function shortened(value: string): string {
  const cut = value.length > 60 ? `${value.slice(0, 59)}…` : value;
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '·');
}
