/**
 * Work that can be interrupted: it yields after every few microseconds' worth, so that who runs it may let others have
 * their turn in between. What it works on must not change meanwhile.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** To its end at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Acts on each item, in their order, and yields after so many. */
export function* stepwise<T>(items: Iterable<T>, every: number, act: (item: T) => void): Steps<void> {
  let done = 0;
  for (const item of items) {
    act(item);
    done += 1;
    if (done % every === 0) yield;
  }
}

/** Sorted, by merging what is sorted in parts; of equals the first stays first. */
export function* sorted<T>(items: readonly T[], compare: (one: T, other: T) => number): Steps<T[]> {
  const PART = 256;
  let parts: T[][] = [];
  for (let from = 0; from < items.length; from += PART) {
    parts.push(items.slice(from, from + PART).sort(compare));
    yield;
  }
  while (parts.length > 1) {
    const merged: T[][] = [];
    for (let index = 0; index < parts.length; index += 2)
      merged.push(yield* mergedOf(parts[index] ?? [], parts[index + 1] ?? [], compare));
    parts = merged;
  }
  return parts[0] ?? [];
}

function* mergedOf<T>(
  one: readonly T[],
  other: readonly T[],
  compare: (one: T, other: T) => number,
): Steps<T[]> {
  const merged: T[] = [];
  let from = 0;
  yield* stepwise(one, 128, (item) => {
    for (; from < other.length && compare(other[from] as T, item) < 0; from += 1)
      merged.push(other[from] as T);
    merged.push(item);
  });
  for (; from < other.length; from += 1) merged.push(other[from] as T);
  return merged;
}
