import type { WriteStream } from 'node:tty';
import type { Show } from '../demo.js';
import type { Snapshot } from '../snapshot.js';
import { frame, type Part, type Tone } from './frame.js';
import { closingLines } from './text.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_SCREEN = '\x1b[2J\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Some terminals give their size as 0. */
const UNKNOWN = { columns: 80, rows: 24 };

/** Of the sixteen colours that every terminal has, so that its own theme decides what they look like. */
const CODES: Readonly<Record<Tone, string | null>> = {
  plain: null,
  strong: '1',
  faint: '2',
  load: '36',
  ready: '32',
  starting: '33',
  waiting: '33',
};

/**
 * A table that is redrawn in place, without the alternate screen: what it showed last stays in the terminal.
 */
export function liveShow(terminal: WriteStream): Show {
  const colours = terminal.hasColors(); // heeds NO_COLOR and TERM
  let server = '';
  let drawn = 0;

  function draw(snapshot: Snapshot, rows: number): void {
    const lines = frame(snapshot, server, { columns: terminal.columns || UNKNOWN.columns, rows });
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    const text = lines.map((line) => `${line.map((part) => painted(part, colours)).join('')}${CLEAR_LINE}\n`);
    terminal.write(`${up}\r${text.join('')}${CLEAR_BELOW}`);
    drawn = lines.length;
  }

  const rows = () => terminal.rows || UNKNOWN.rows;
  const resized = () => {
    // The terminal has wrapped the old lines anew, so that nobody knows how many they are.
    terminal.write(CLEAR_SCREEN);
    drawn = 0;
  };
  const restore = () => void terminal.write(SHOW_CURSOR);

  return {
    started(address, snapshot) {
      server = address;
      process.once('exit', restore); // also after an error
      terminal.on('resize', resized);
      terminal.write(HIDE_CURSOR);
      draw(snapshot, rows());
    },
    changed: (_change, snapshot) => draw(snapshot, rows()),
    warmed: (_note, snapshot) => draw(snapshot, rows()),
    refreshed: (snapshot) => draw(snapshot, rows()),
    second: () => undefined,
    ended(summary, snapshot) {
      terminal.off('resize', resized);
      draw(snapshot, Number.POSITIVE_INFINITY);
      terminal.write(`\n${closingLines(summary).join('\n')}\n`);
      process.off('exit', restore);
      restore();
    },
  };
}

function painted([text, tone]: Part, colours: boolean): string {
  const code = colours ? CODES[tone] : null;
  return code === null || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`;
}
