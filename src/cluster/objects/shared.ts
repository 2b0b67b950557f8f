/**
 * One copy of what many objects have alike: the pods of a ReplicaSet have the same labels and requests, and 50 000 copies of
 * them are most of what a pod takes. Bounded: when full it starts anew, and objects keep the copies that they have.
 */
export class Shared<T> {
  readonly #known = new Map<string, T>();
  readonly #most: number;

  constructor(most = 20_000) {
    this.#most = most;
  }

  /** @param value plain data: what counts as alike is its JSON */
  one(value: T): T {
    const key = typeof value === 'string' ? value : JSON.stringify(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}
