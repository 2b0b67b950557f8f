import { list, record, type Json } from '../objects/json.js';
import { appended, NO_HISTORY, remember, type History, type NodeStart } from './history.js';
import type { Start } from './starts.js';

/** Those that started last: 100 000 starts are 4 MB of JSON, which takes 20 ms to write. */
const MOST_WORKLOADS = 1000;
const MOST_GPU_TYPES = 100;

/** Every history that is kept. Plain data inside; survives restarts as JSON. */
export class LeadBook {
  readonly #workloads = new Map<string, History>();
  readonly #gpus = new Map<string, History>();
  readonly #nodes = new Map<string, readonly NodeStart[]>();

  note(workload: string, gpu: string | null, ground: 'warm' | 'cold', start: Start): void {
    put(this.#workloads, workload, remember(this.workload(workload), ground, start), MOST_WORKLOADS);
    if (gpu !== null) put(this.#gpus, gpu, remember(this.gpu(gpu), ground, start), MOST_GPU_TYPES);
  }

  noteNode(gpu: string, start: NodeStart): void {
    put(this.#nodes, gpu, appended(this.node(gpu), start), MOST_GPU_TYPES);
  }

  workload(key: string): History {
    return this.#workloads.get(key) ?? NO_HISTORY;
  }

  gpu(type: string): History {
    return this.#gpus.get(type) ?? NO_HISTORY;
  }

  node(gpu: string): readonly NodeStart[] {
    return this.#nodes.get(gpu) ?? [];
  }

  snapshot(): BookDocument {
    return {
      version: 1,
      workloads: written(this.#workloads),
      gpus: written(this.#gpus),
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
      put(this.#workloads, key, readHistory(history), MOST_WORKLOADS);
    }
    for (const [key, history] of Object.entries(record(given['gpus']))) {
      put(this.#gpus, key, readHistory(history), MOST_GPU_TYPES);
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

/** Rows of numbers: a start as `[at, schedule, image, start, model]`, a node's as `[at, provision, device]`. */
export interface BookDocument {
  readonly version: 1;
  readonly workloads: Readonly<Record<string, WrittenHistory>>;
  readonly gpus: Readonly<Record<string, WrittenHistory>>;
  readonly nodes: Readonly<Record<string, readonly (readonly number[])[]>>;
}

interface WrittenHistory {
  readonly warm: readonly (readonly number[])[];
  readonly cold: readonly (readonly number[])[];
}

/** The one that was put longest ago goes first. */
function put<T>(into: Map<string, T>, key: string, value: T, most: number): void {
  into.delete(key);
  into.set(key, value);
  const [oldest] = into.keys();
  if (into.size > most && oldest !== undefined) into.delete(oldest);
}

function written(histories: ReadonlyMap<string, History>): Record<string, WrittenHistory> {
  const rows = (starts: readonly Start[]) =>
    starts.map(({ at, schedule, image, start, model }) => [at, schedule, image, start, model]);
  return Object.fromEntries(
    [...histories].map(([key, { warm, cold }]) => [key, { warm: rows(warm), cold: rows(cold) }]),
  );
}

function readHistory(value: Json): History {
  const { warm, cold } = record(value);
  const starts = (rows: Json) =>
    list(rows)
      .flatMap(readStart)
      .reduce(appended<Start>, []);
  return { warm: starts(warm), cold: starts(cold) };
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
