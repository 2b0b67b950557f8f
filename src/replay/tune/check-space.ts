import { prepare, type Base } from './candidate.js';
import { TuneError } from './knob.js';
import type { Change, Space } from './space.js';

/**
 * A value that fits no manifest of the search is a mistake, and not one of the combinations that do not go together:
 * tried alone first, then with each value of each other key.
 *
 * @throws TuneError for the first such value
 */
export function checkSpace(base: Base, space: Space): void {
  for (const [index, { knob, options }] of space.entries()) {
    const others = space.filter((_, other) => other !== index).flatMap(choices);
    for (const { value } of options) {
      if (value === null) continue;
      const own: Change = { knob, value };
      const alone = prepare(base, [own]);
      if (alone.ok || others.some((other) => prepare(base, [own, other]).ok)) continue;
      throw new TuneError(`${knob.key}=${value}: ${alone.why}`);
    }
  }
}

function choices({ knob, options }: Space[number]): Change[] {
  return options.flatMap(({ value }) => (value === null ? [] : [{ knob, value }]));
}
