export type Change<T> = (before: T | null, after: T | null) => void;

interface Entry<T> {
  readonly value: T;
  readonly source: number;
  readonly round: number;
}

/** One kind of object of the cluster, from one watch or from one for each namespace, by `namespace/name`. */
export class Store<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #changed: Change<T>;
  readonly #rounds: number[] = [];
  readonly #sizes: number[] = [];

  constructor(changed: Change<T>) {
    this.#changed = changed;
  }

  get(key: string): T | null {
    return this.#entries.get(key)?.value ?? null;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): T[] {
    const values: T[] = [];
    for (const { value } of this.#entries.values()) values.push(value);
    return values;
  }

  /** A place for one watch to put its objects. */
  source(): Source<T> {
    const source = this.#rounds.push(0) - 1;
    this.#sizes.push(0);
    return {
      begin: () => {
        this.#rounds[source] = (this.#rounds[source] ?? 0) + 1;
      },
      put: (key, value) => this.#put(key, value, source),
      remove: (key) => this.#remove(key),
      end: () => this.#sweep(source),
      size: () => this.#sizes[source] ?? 0,
    };
  }

  #put(key: string, value: T, source: number): void {
    const before = this.#entries.get(key) ?? null;
    if (before === null) this.#sizes[source] = (this.#sizes[source] ?? 0) + 1;
    this.#entries.set(key, { value, source, round: this.#rounds[source] ?? 0 });
    this.#changed(before?.value ?? null, value);
  }

  #remove(key: string): void {
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.delete(key);
    this.#sizes[before.source] = (this.#sizes[before.source] ?? 1) - 1;
    this.#changed(before.value, null);
  }

  /** What a list did not name any more was deleted while nobody watched. */
  #sweep(source: number): void {
    const round = this.#rounds[source];
    for (const [key, entry] of this.#entries) {
      if (entry.source === source && entry.round !== round) this.#remove(key);
    }
  }
}

export interface Source<T> {
  /** Before a list. */
  begin(): void;
  put(key: string, value: T): void;
  remove(key: string): void;
  /** After a list that came whole. */
  end(): void;
  size(): number;
}
