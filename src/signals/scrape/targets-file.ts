import { readFileSync, statSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { SECOND, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import type { ScrapeTarget, ScrapeTargets, ServerAddress } from '../../ports/scrape-targets.js';

const MOST_FAULTS = 5;

/** A file that cannot be used. The message has one line for each fault: the path, the entry and what was expected. */
export class TargetsFileError extends Error {
  readonly path: string;
  /** Of the first fault, from 0 as in the file's list; null when it is the file as a whole. */
  readonly entry: number | null;

  constructor(path: string, entry: number | null, faults: readonly string[]) {
    const rest = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more faults`] : [];
    super([...faults.slice(0, MOST_FAULTS), ...rest].map((fault) => `${path}: ${fault}`).join('\n'));
    this.name = 'TargetsFileError';
    this.path = path;
    this.entry = entry;
  }
}

export interface TargetsFile extends ScrapeTargets {
  /** Why the newest version of the file is not in use, or null. */
  problem(): string | null;
}

/** How often the file's metadata is looked at, on use. */
const LOOK_EVERY: Millis = SECOND;
/** Some 50 000 targets; more is another file by mistake. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Labels that would change what is scraped, and that nothing here acts on: better refused than passed over. */
const UNSUPPORTED = /^__(?:param_|address__$)/;

const targetAddress = z
  .string()
  .regex(/^[^\s/@?#]+$/, 'expected HOST or HOST:PORT, without a scheme or a path')
  .refine((address) => URL.canParse(`http://${address}/`), 'expected HOST or HOST:PORT');

const labels = z
  .record(z.string(), z.string())
  .default({})
  .superRefine((given, context) => {
    const unsupported = Object.keys(given).find((label) => UNSUPPORTED.test(label));
    if (unsupported !== undefined) context.addIssue(`${unsupported} is not supported`);
    if (given['exporter'] === undefined && (!given['namespace'] || !given['pod']))
      context.addIssue('expected the labels namespace and pod, or the label exporter');
    if (given['exporter'] !== undefined && !/^[a-z][a-z0-9-]*$/.test(given['exporter']))
      context.addIssue('expected in exporter the word that a profile has in scrape.from, such as dcgm');
    if (!['http', 'https'].includes(given['__scheme__'] ?? 'http'))
      context.addIssue('expected http or https in __scheme__');
    if (!['triton', 'tgi', 'vllm'].includes(given['engine'] ?? 'tgi'))
      context.addIssue('expected triton, tgi or vllm in engine');
    if (given['api'] !== undefined && !/^https?:\/\/[^\s/@?#]+$/.test(given['api']))
      context.addIssue('expected in api the address of the model server, such as http://10.0.0.7:8000');
    if (!(given['__metrics_path__'] ?? '/').startsWith('/'))
      context.addIssue('expected __metrics_path__ to begin with "/"');
  });

const entry = z.strictObject({ targets: z.array(targetAddress).min(1), labels });
const file = z.array(entry);

/**
 * Scrape targets from a file in the format of Prometheus' `file_sd_configs`, JSON or YAML: pods by the labels
 * `namespace` and `pod`, exporters by the label `exporter`; `__metrics_path__` and `__scheme__` as in Prometheus. The label
 * `engine` says which model server a pod is, for its first request in a warm-up, and `api` where, if not at the usual port.
 *
 * Read anew when it changes. A version that cannot be read or is wrong is not used: the last good one stands, and
 * `problem` tells. The look at the file is synchronous: it is a small local one, at most once a second, and so `list`
 * is right at once.
 *
 * @throws TargetsFileError when the file cannot be used at the start
 */
export function createTargetsFile(path: string, clock: Clock): TargetsFile {
  let seen = versionOf(path);
  let targets = load(path);
  let lookedAt = clock.now();
  let problem: string | null = null;

  function look(): void {
    let version = ''; // a file that comes back as it was is read again
    try {
      version = versionOf(path);
      if (version === seen) return;
      targets = load(path);
      problem = null;
    } catch (error) {
      problem = `${(error as Error).message}; the version before stays in use`;
    } finally {
      seen = version; // also of a wrong one, which is not parsed again each second
    }
  }

  return {
    list() {
      const age = clock.now() - lookedAt;
      if (age >= LOOK_EVERY || age < 0) {
        lookedAt = clock.now();
        look();
      }
      return targets;
    },
    problem: () => problem,
  };
}

/** Kubernetes swaps a mounted ConfigMap by renaming a link, which may leave size and even time as they were. */
function versionOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    if (size > MAX_BYTES) throw new TargetsFileError(path, null, [`expected at most ${MAX_BYTES} bytes`]);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function load(path: string): readonly ScrapeTarget[] {
  const parsed = file.safeParse(contents(path));
  if (parsed.success) return parsed.data.flatMap(targetsOf);
  const { issues } = parsed.error;
  const index = issues[0]?.path[0];
  throw new TargetsFileError(path, typeof index === 'number' ? index : null, issues.map(inWords));
}

function contents(path: string): unknown {
  try {
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.json') ? JSON.parse(text) : parseYaml(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): TargetsFileError {
  if (error instanceof TargetsFileError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const what =
    code?.startsWith('E') === true
      ? `cannot be read (${code})`
      : `expected a list in JSON or YAML: ${message}`;
  return new TargetsFileError(path, null, [what.split('\n', 1)[0] ?? what]);
}

function inWords({ path, message }: { path: readonly PropertyKey[]; message: string }): string {
  const [index, ...rest] = path;
  if (typeof index !== 'number') return `expected a list of {targets: [HOST:PORT], labels: {…}}: ${message}`;
  return `entry ${index}${rest.length === 0 ? '' : `, ${rest.join('.')}`}: ${message}`;
}

function targetsOf({ targets, labels: given }: z.infer<typeof entry>): ScrapeTarget[] {
  const { namespace = '', pod = '', exporter } = given;
  return targets.map((address) => {
    const url = new URL(
      `${given['__scheme__'] ?? 'http'}://${address}${given['__metrics_path__'] ?? '/metrics'}`,
    ).href;
    return exporter === undefined
      ? { kind: 'pod', namespace, pod, url, ...serverOf(given, url) }
      : { kind: 'exporter', exporter, url };
  });
}

/** Triton serves metrics on a port of their own, beside 8000 for HTTP; TGI and vLLM on the one of their API. */
function serverOf(given: Readonly<Record<string, string>>, scraped: string): { server?: ServerAddress } {
  const { engine, api } = given;
  if (engine !== 'triton' && engine !== 'tgi' && engine !== 'vllm') return {};
  const url = new URL(api ?? new URL(scraped).origin);
  if (api === undefined && engine === 'triton') url.port = '8000';
  return { server: { engine, url: url.origin } };
}
