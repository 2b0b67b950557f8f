import type { Millis } from '../../core/time.js';

/**
 * How long pages may be worked on before other events have their turn. A piece of work between two pauses takes a few
 * milliseconds at most (a chunk of 64 KiB, one owner's series), so that the loop is held for well under 20 ms.
 */
const STRETCH: Millis = 8;

/**
 * A pause to be awaited before each piece of work. All who work share one stretch: sockets that are ready together
 * would otherwise be parsed one after the other in a single turn of the loop, however many they are.
 *
 * Those who wait are let on one by one, and the time is looked at between them: let on together, all would find the
 * stretch as good as unused before the first had begun.
 */
export function createPause(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let began = 0;
  let letting = false;

  async function letOn(): Promise<void> {
    letting = true;
    while (waiting.length > 0) {
      if (performance.now() - began >= STRETCH) {
        await new Promise((resolve) => setImmediate(resolve));
        began = performance.now();
      }
      waiting.shift()?.();
      await Promise.resolve(); // behind the piece of work that was just let on
    }
    letting = false;
  }

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (!letting) void letOn();
    });
}
