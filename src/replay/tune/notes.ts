import { SECOND } from '../../core/time.js';
import { parseDuration } from '../../policy/duration.js';
import type { Trigger } from '../../policy/trigger.js';
import type { ReplicaCapacity } from '../pilotlight/manifest.js';
import type { Score } from '../score.js';
import type { Setup } from '../setup.js';
import type { Tried } from './frontier.js';
import type { Point, Space } from './space.js';
import type { Split } from './split.js';

/** What to know before believing any figure of the search. */
export function notesOn(trigger: Trigger, setup: Setup, given: ReplicaCapacity, { kind }: Split): string[] {
  const notes: string[] = [];
  if (kind === 'halves') {
    notes.push(
      'The load is shorter than two days, so no day could be held back. The later half shows whether the choice holds ' +
        'a little longer, not whether it holds on another day: take it as unchecked.',
    );
  }
  if (kind === 'none') {
    notes.push(
      'Nothing was held back: one of the two parts would have had no requests. The choice is unchecked, and may fit this load alone.',
    );
  }
  if (setup.serviceTime !== given.serviceTime || setup.slots !== given.slots) {
    const said = `${given.slots} slots of ${given.serviceTime} s`;
    notes.push(
      `The replay steps by whole seconds: ${said} are replayed as ${setup.slots} slots of ${setup.serviceTime} s.`,
    );
  }
  for (const { name, simulate, prometheus } of trigger.profiles) {
    if (!('fromTrigger' in prometheus)) continue;
    notes.push(`What the trigger's query measures is not known here: ${name} is replayed as ${simulate}.`);
  }
  return notes;
}

/**
 * The choice at an end of what was tried, where more of the same may be better yet: `target 3.64 is the highest tried`.
 * Only of three numbers and more, since of two one is always an end; only where the next value to the inside costs
 * something else; and zero is an end of its own.
 */
export function edgesOf(space: Space, point: Point | null, tried: readonly Tried[]): string[] {
  if (point === null) return [];
  const own = scoreAt(point, tried);
  return space.flatMap(({ knob, options }, index) => {
    const numbers = options.map(({ shown }) => amountOf(shown));
    const ranked = numbers.toSorted((a, b) => a - b);
    const value = numbers[point[index] ?? 0] ?? Number.NaN;
    if (numbers.length < 3 || numbers.some(Number.isNaN) || value === 0) return [];
    const rank = ranked.indexOf(value);
    if (rank > 0 && rank < ranked.length - 1) return [];
    const inside = ranked[rank === 0 ? 1 : rank - 1] ?? value;
    const beside = scoreAt(point.with(index, numbers.indexOf(inside)), tried);
    if (own === null || beside === null || beside.nodeSeconds === own.nodeSeconds) return [];
    const [end, more] = rank === 0 ? ['lowest', 'lower'] : ['highest', 'higher'];
    const shown = options[point[index] ?? 0]?.shown ?? '';
    return [`${knob.key} ${shown} is the ${end} that was tried; ${more} may be better yet (--set).`];
  });
}

/** Null: not run, or like another one. */
function scoreAt(point: Point, tried: readonly Tried[]): Score | null {
  const found = tried.find((each) => each.point?.every((option, index) => option === point[index]));
  return found?.score ?? null;
}

/** `5m` beside `90s`; anything that is no number and no duration is none. */
function amountOf(shown: string): number {
  const duration = parseDuration(shown);
  return duration === null ? Number(shown) : duration / SECOND;
}
