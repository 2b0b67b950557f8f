import type { Change } from '../history.js';
import type { Snapshot, WorkloadSnapshot } from '../snapshot.js';
import type { PhaseName, Story } from '../story.js';
import { changeLine, clockTime, warmUpState } from './text.js';

/** What a part of a line stands for; the terminal's colours are chosen elsewhere. */
export type Tone = 'plain' | 'strong' | 'faint' | 'load' | 'ready' | 'starting' | 'waiting';
export type Part = readonly [text: string, tone: Tone];
type Line = readonly Part[];

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const LOAD_CELLS = 10;
const HEAD = 'WORKLOAD  PHASE    LOAD               WAITING  REPLICAS  READY  WANTED  ACTIVE';
/** Each reason has so much room, used or not, so that the picture does not jump. */
const REASON_LINES = 2;

/**
 * The whole picture, no line wider than the terminal: where the story is, a row and the reason for each workload, and
 * the newest changes below as far as there is room.
 */
export function frame(snapshot: Snapshot, server: string, size: Size): readonly Line[] {
  const { workloads, changes, warmUps, at } = snapshot;
  const explain = `Ask it yourself: pilotlight explain demo/${workloads[0]?.name ?? ''} --server ${server}`;
  const top: Line[] = [
    title(snapshot),
    [[explain, 'faint']],
    [],
    [[HEAD, 'faint']],
    ...workloads.flatMap((workload) => [row(workload), ...reasonLines(workload.reason, size.columns)]),
    [],
    [
      [
        warmUps.length === 0
          ? 'No warm-ups yet'
          : `WARM-UPS  ${warmUps
              .slice(-3)
              .map((note) => warmUpState(note, at))
              .join('; ')}`,
        'faint',
      ],
    ],
    [[changes.length === 0 ? 'No changes yet' : 'CHANGES', 'faint']],
  ];
  // The last row stays free for the cursor.
  const room = Math.max(1, size.rows - 1 - top.length);
  const log = changes.slice(-room).map((change): Line => [[changeLine(brief(change)), 'plain']]);
  return [...top, ...log].map((line) => cut(line, size.columns));
}

/** Without the count that the reason begins with: the line shows the replicas already. */
function brief(change: Change): Change {
  return { ...change, reason: change.reason.replace(/^\d+ replicas?: /, '') };
}

function title({ timing, at }: Snapshot): Line {
  const { story, speed } = timing;
  const told = story.repeats ? at % story.seconds : Math.min(at, story.seconds);
  const round = story.repeats ? `  round ${Math.floor(at / story.seconds) + 1}` : '';
  const where = `${clockTime(told)} of ${clockTime(story.seconds)}${round}`;
  return [
    ['pilotlight demo', 'strong'],
    [`  ×${Number(speed.toPrecision(3))}  ${where}  `, 'plain'],
    ...phases(story, told),
  ];
}

function phases({ phases }: Story, at: number): Line {
  const current = phases.findLastIndex((phase) => phase.from <= at);
  return phases.flatMap(({ name }, index): Part[] => [
    [index === 0 ? '' : '›', 'faint'],
    [name, index === current ? 'strong' : 'faint'],
  ]);
}

function row(workload: WorkloadSnapshot): Line {
  const { name, phase, rate, peakRate, waiting, replicas, ready, maxReplicas, desired, active } = workload;
  const load = Math.min(LOAD_CELLS, Math.round((LOAD_CELLS * rate) / peakRate));
  return [
    [name.padEnd(10), 'strong'],
    [phase.padEnd(9), toneOf(phase)],
    ['█'.repeat(load), 'load'],
    ['░'.repeat(LOAD_CELLS - load), 'faint'],
    [perSecond(rate).padStart(7), 'plain'],
    [String(waiting).padStart(9), waiting > 0 ? 'waiting' : 'plain'],
    ['  ', 'plain'],
    ['■'.repeat(ready), 'ready'],
    ['□'.repeat(replicas - ready), 'starting'],
    ['·'.repeat(Math.max(0, maxReplicas - replicas)), 'faint'],
    [' '.repeat(Math.max(0, 8 - Math.max(replicas, maxReplicas))), 'plain'],
    [`${ready}/${replicas}`.padStart(7), 'plain'],
    [(desired === null ? '?' : String(desired)).padStart(8), 'plain'],
    [`  ${active === null ? '?' : active ? 'yes' : 'no'}`, active === true ? 'ready' : 'plain'],
  ];
}

function toneOf(phase: PhaseName): Tone {
  return phase === 'idle' ? 'faint' : 'plain';
}

function perSecond(rate: number): string {
  return `${Number(rate.toPrecision(2))}/s`;
}

/** The reason, broken between words. */
function reasonLines(reason: string, columns: number): Line[] {
  const lines: string[] = [''];
  for (const word of reason.split(' ')) {
    const last = lines.at(-1) ?? '';
    const fits = last === '' || last.length + 1 + word.length <= columns - 2 || lines.length === REASON_LINES;
    if (fits) lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    else lines.push(word);
  }
  return Array.from({ length: REASON_LINES }, (_, index) => [[`  ${lines[index] ?? ''}`, 'faint']]);
}

/** Shortens a line that does not fit, with an ellipsis. All characters are one column wide. */
function cut(line: Line, columns: number): Line {
  const length = line.reduce((sum, [text]) => sum + text.length, 0);
  let left = length > columns ? columns - 1 : columns;
  const parts: Part[] = [];
  for (const [text, tone] of line) {
    parts.push([text.slice(0, left), tone]);
    left -= Math.min(left, text.length);
  }
  return length > columns ? [...parts, ['…', 'faint']] : parts;
}
