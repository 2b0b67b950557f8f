import { list, record, type Json } from '../objects/json.js';
import {
  appended,
  NO_HISTORY,
  remember,
  shared,
  type GpuHistory,
  type GpuStart,
  type History,
  type NodeStart,
} from './history.js';
import type { Start } from './starts.js';

/** Those that started last: 100 000 starts are 4 MB of JSON, which takes 20 ms to write. */
const MOST_WORKLOADS = 1000;
const MOST_GPU_TYPES = 100;

/** Every history that is kept. Plain data inside; survives restarts as JSON. */
export class LeadBook {
  readonly #workloads = new Map<string, History>();
  readonly #gpus = new Map<string, GpuHistory>();
  readonly #nodes = new Map<string, readonly NodeStart[]>();

  note(workload: string, gpu: string | null, ground: 'warm' | 'cold', start: Start): void {
    put(this.#workloads, workload, remember(this.workload(workload), ground, start), MOST_WORKLOADS);
    if (gpu === null) return;
    const known = this.gpu(gpu);
    const starts = shared(known[ground], { ...start, workload });
    put(this.#gpus, gpu, { ...known, [ground]: starts }, MOST_GPU_TYPES);
  }

  noteNode(gpu: string, start: NodeStart): void {
    put(this.#nodes, gpu, appended(this.node(gpu), start), MOST_GPU_TYPES);
  }

  workload(key: string): History {
    return this.#workloads.get(key) ?? NO_HISTORY;
  }

  gpu(type: string): GpuHistory {
    return this.#gpus.get(type) ?? NO_GPU_HISTORY;
  }

  node(gpu: string): readonly NodeStart[] {
    return this.#nodes.get(gpu) ?? [];
  }

  snapshot(): BookDocument {
    return {
      version: 1,
      workloads: written(this.#workloads, row),
      gpus: written(this.#gpus, (start) => [...row(start), start.workload]),
      nodes: Object.fromEntries(
        [...this.#nodes].map(([gpu, starts]) => [
          gpu,
          starts.map(({ at, provision, device }) => [at, provision, device]),
        ]),
      ),
    };
  }

  /** What cannot be read is left out. @returns false when the document is none of ours */
  restore(document: Json): boolean {
    const given = record(document);
    if (given['version'] !== 1) return false;
    for (const [key, history] of Object.entries(record(given['workloads']))) {
      put(this.#workloads, key, readHistory(history, readStart, appended), MOST_WORKLOADS);
    }
    for (const [key, history] of Object.entries(record(given['gpus']))) {
      put(this.#gpus, key, readHistory(history, readGpuStart, shared), MOST_GPU_TYPES);
    }
    for (const [key, starts] of Object.entries(record(given['nodes']))) {
      put(
        this.#nodes,
        key,
        list(starts)
          .flatMap(readNodeStart)
          .reduce(appended<NodeStart>, []),
        MOST_GPU_TYPES,
      );
    }
    return true;
  }
}

/**
 * Rows of numbers: a start as `[at, schedule, image, start, model]`, on a GPU type with the workload behind it, and a node's as
 * `[at, provision, device]`.
 */
export interface BookDocument {
  readonly version: 1;
  readonly workloads: Readonly<Record<string, WrittenHistory<number>>>;
  readonly gpus: Readonly<Record<string, WrittenHistory<string | number>>>;
  readonly nodes: Readonly<Record<string, readonly (readonly number[])[]>>;
}

interface Grounds<T> {
  readonly warm: readonly T[];
  readonly cold: readonly T[];
}
type WrittenHistory<T> = Grounds<readonly T[]>;

const NO_GPU_HISTORY: GpuHistory = { warm: [], cold: [] };

/** The one that was put longest ago goes first. */
function put<T>(into: Map<string, T>, key: string, value: T, most: number): void {
  into.delete(key);
  into.set(key, value);
  const [oldest] = into.keys();
  if (into.size > most && oldest !== undefined) into.delete(oldest);
}

function written<S, T>(
  histories: ReadonlyMap<string, Grounds<S>>,
  row: (start: S) => readonly T[],
): Record<string, WrittenHistory<T>> {
  return Object.fromEntries(
    Array.from(histories, ([key, { warm, cold }]) => [key, { warm: warm.map(row), cold: cold.map(row) }]),
  );
}

function row({ at, schedule, image, start, model }: Start): readonly number[] {
  return [at, schedule, image, start, model];
}

function readHistory<S>(
  value: Json,
  read: (row: Json) => S[],
  add: (starts: readonly S[], start: S) => readonly S[],
): Grounds<S> {
  const { warm, cold } = record(value);
  const starts = (rows: Json) => list(rows).flatMap(read).reduce<readonly S[]>(add, []);
  return { warm: starts(warm), cold: starts(cold) };
}

function readGpuStart(row: Json): GpuStart[] {
  const given = list(row);
  const workload = given.at(-1);
  if (typeof workload !== 'string') return [];
  return readStart(given.slice(0, -1)).map((start) => ({ ...start, workload }));
}

function readStart(row: Json): Start[] {
  const numbers = lengths(row, 5);
  if (numbers === null) return [];
  const [at = 0, schedule = 0, image = 0, start = 0, model = 0] = numbers;
  return [{ at, schedule, image, start, model }];
}

function readNodeStart(row: Json): NodeStart[] {
  const numbers = lengths(row, 3);
  if (numbers === null) return [];
  const [at = 0, provision = 0, device = 0] = numbers;
  return [{ at, provision, device }];
}

function lengths(row: Json, count: number): number[] | null {
  const given = list(row);
  const numbers = given.filter(
    (each): each is number => typeof each === 'number' && Number.isFinite(each) && each >= 0,
  );
  return numbers.length === count && given.length === count ? numbers : null;
}
