import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ForecastMemory } from '../core/forecast/memory.js';
import { decodeMemory, encodeMemory, SNAPSHOT_VERSION } from '../core/forecast/snapshot.js';
import { DAY, MINUTE, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { Workload } from './workload.js';

/** What forecasts have learned, for longer than KEDA may be away and, with a file, for longer than this process. */
export interface ForecastMemories {
  /** Gives a new workload what is remembered of its trigger, and keeps what it learns from now on. */
  attend(workload: Workload): void;
  /** Begins to save where the last time is long ago. */
  saveIfDue(): void;
  /** Resolves when what is remembered now is in the file. */
  save(): Promise<void>;
}

export interface MemoriesOptions {
  /** Null: nothing outlives this process. */
  readonly file: string | null;
  readonly clock: Clock;
  /** One line for an operator. */
  readonly onProblem: (why: string) => void;
  /** Triggers that are remembered, those asked about last; more are forgotten. */
  readonly most?: number;
}

interface Remembered {
  memory: ForecastMemory;
  readonly maxReplicas: number;
  attendedAt: Millis;
}

const SAVE_EVERY: Millis = 10 * MINUTE;
/** A ScaledObject that comes back within this time since its load was last seen goes on with what was learned. */
const FORGOTTEN_AFTER: Millis = 2 * DAY;
/** As many triggers as the scaler serves. */
const MOST = 20_000;
const HEAD = JSON.stringify({ file: 'pilotlight forecast memories', version: SNAPSHOT_VERSION });

/** Reads the file; what cannot be used of it is said and left out, since a forecast can learn anew. */
export async function openForecastMemories(options: MemoriesOptions): Promise<ForecastMemories> {
  const { file, clock, onProblem, most = MOST } = options;
  const remembered = file === null ? new Map<string, Remembered>() : await readFrom(file, most, onProblem);
  let savedAt = clock.now();
  let saving: Promise<void> | null = null;

  /** Newest last, and no more than there is room for. */
  function forget(): void {
    const before = clock.now() - FORGOTTEN_AFTER;
    const oldest = [...remembered].toSorted(([, a], [, b]) => usedAt(a) - usedAt(b));
    for (const [index, [id, each]] of oldest.entries())
      if (usedAt(each) < before || index < oldest.length - most) remembered.delete(id);
  }

  async function write(path: string): Promise<void> {
    savedAt = clock.now();
    forget();
    try {
      await writeTo(path, remembered);
    } catch (error) {
      onProblem(`${path}: forecast memories cannot be written: ${messageOf(error)}`);
    }
  }

  async function save(): Promise<void> {
    if (file === null) return;
    await saving;
    saving = write(file).finally(() => (saving = null));
    await saving;
  }

  return {
    attend({ id, foresight: foreseeing }) {
      if (foreseeing?.kind !== 'foreseeing') return;
      const { settings } = foreseeing.foresight;
      const known = remembered.get(id);
      const memory = known?.maxReplicas === settings.maxReplicas ? known.memory : foreseeing.foresight.memory;
      foreseeing.foresight = { ...foreseeing.foresight, memory };
      remembered.set(id, { memory, maxReplicas: settings.maxReplicas, attendedAt: clock.now() });
      // Some more than there is room for, so that not each new trigger has them sorted.
      if (remembered.size > 1.05 * most) forget();
    },
    saveIfDue() {
      if (file !== null && saving === null && clock.now() - savedAt >= SAVE_EVERY) void save();
    },
    save,
  };
}

/** When it was asked about anew, or last saw its load. */
function usedAt({ memory, attendedAt }: Remembered): Millis {
  return Math.max(attendedAt, memory.seenUntil ?? 0);
}

interface Line {
  readonly id: string;
  readonly attendedAt: Millis;
  readonly maxReplicas: number;
  readonly memory: unknown;
}

/** One line each with its digest before it, so that a broken one costs no other; beside the old file until all are written. */
async function writeTo(path: string, remembered: ReadonlyMap<string, Remembered>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.write(`${HEAD}\n`);
    for (const [id, { memory, maxReplicas, attendedAt }] of remembered) {
      const line = JSON.stringify({ id, attendedAt, maxReplicas, memory: encodeMemory(memory) });
      await handle.write(`${digestOf(line)} ${line}\n`);
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(beside, { force: true });
    throw error;
  }
  await handle.close();
  await rename(beside, path);
}

async function readFrom(
  path: string,
  most: number,
  onProblem: (why: string) => void,
): Promise<Map<string, Remembered>> {
  const remembered = new Map<string, Remembered>();
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      onProblem(`${path}: forecasts begin anew: ${messageOf(error)}`);
    return remembered;
  }
  const faults: string[] = [];
  let number = 0;
  try {
    for await (const line of handle.readLines()) {
      number += 1;
      if (number === 1) {
        if (line !== HEAD) throw new Error(`expected a first line of ${HEAD}`);
        continue;
      }
      const read = remembered.size < most ? readLine(line) : `more than ${most} triggers`;
      if (typeof read === 'string') faults.push(`line ${number}: ${read}`);
      else remembered.set(...read);
    }
  } catch (error) {
    faults.push(messageOf(error));
  }
  const [first] = faults;
  if (first !== undefined) {
    const others = faults.length === 1 ? '' : `, and ${faults.length - 1} more`;
    onProblem(`${path}: not all forecast memories can be used; those begin anew: ${first}${others}`);
  }
  return remembered;
}

function readLine(line: string): [string, Remembered] | string {
  const [digest = '', ...rest] = line.split(' ');
  const text = rest.join(' ');
  if (digest !== digestOf(text)) return 'its digest does not fit, it is broken';
  const { id, attendedAt, maxReplicas, memory } = JSON.parse(text) as Line;
  const decoded = decodeMemory(memory, maxReplicas);
  return typeof decoded === 'string' ? decoded : [id, { memory: decoded, maxReplicas, attendedAt }];
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
