import type { Show } from '../demo.js';
import { changeLine, clockTime, closingLines, warmUpLine } from './text.js';

/** Lines for the changes alone, for logs and pipes. Times are the story's. */
export function plainShow(print: (line: string) => void): Show {
  return {
    started(server, { timing }) {
      const { speed, story } = timing;
      const length = `${clockTime(story.seconds)} of the story at ${Number(speed.toPrecision(3))} times real time`;
      print(`pilotlight demo: ${length}; the server's HTTP is ${server}`);
    },
    changed: (change) => print(changeLine(change)),
    warmed: (note, { at }) => print(warmUpLine(note, at)),
    refreshed: () => undefined,
    second: () => undefined,
    ended(summary) {
      print('');
      for (const line of closingLines(summary)) print(line);
    },
  };
}
