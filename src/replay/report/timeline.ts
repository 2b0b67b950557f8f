import type { Decision } from '../../core/decision.js';
import { newRecording, type Moment, type Recording } from '../recording.js';
import type { PageTimeline } from './html-series.js';

/** One moment of a run, with what was wanted then. */
export interface TimelineRow extends Moment {
  /** What the policy wanted; null while there is no decision, or a blind one. */
  readonly desired: number | null;
  /** p99 of the waits of `arrivals`, seconds; NaN without any, Infinity without end. */
  readonly wait: number;
}

/** A decision that asks for other replicas than the one before. */
export interface Change {
  readonly t: number;
  /** Null: blind. */
  readonly desired: number | null;
  readonly reason: string;
}

/** Collects a run: the recording is for the simulation to fill, and decisions are told. */
export interface Timeline {
  readonly recording: Recording;
  readonly changes: Change[];
  decided(t: number, decision: Pick<Decision, 'verdict' | 'desired' | 'reason'>): void;
  /** Whole once the run is over. */
  readonly rows: readonly TimelineRow[];
}

/**
 * @param every seconds between two rows
 * @param decides whether decisions will be told; a baseline tells none, and wants what spec.replicas says
 */
export function newTimeline(every: number, decides = true): Timeline {
  const changes: Change[] = [];
  const desired: (number | null)[] = [];
  let standing: number | null = null;
  const recording = newRecording(every, () => {
    desired.push(decides ? standing : (recording.moments.at(-1)?.spec ?? null));
  });
  return {
    recording,
    changes,
    decided(t, { verdict, desired: wanted, reason }) {
      const now = verdict === 'blind' ? null : wanted;
      if (now !== standing || changes.length === 0) changes.push({ t, desired: now, reason });
      standing = now;
    },
    get rows() {
      const { moments, waits } = recording;
      return moments.map((moment, index) => ({
        ...moment,
        desired: desired[index] ?? null,
        wait: waits[index] ?? Number.NaN,
      }));
    },
  };
}

const COLUMNS = ['t', 'arrivals', 'queue', 'running', 'desired', 'ready', 'starting', 'nodes'] as const;

/** One row for each scrape; `desired` is empty while there is none. */
export function timelineCsv(rows: readonly TimelineRow[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => row[column] ?? '').join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

/** The run in columns, as the page takes it. */
export function pageTimeline(policy: string, { rows, changes }: Timeline): PageTimeline {
  const column = (name: Exclude<keyof TimelineRow, 'desired'>) => Float64Array.from(rows, (row) => row[name]);
  return {
    policy,
    t: column('t'),
    arrivals: column('arrivals'),
    queue: column('queue'),
    running: column('running'),
    desired: rows.map(({ desired }) => desired),
    ready: column('ready'),
    starting: column('starting'),
    nodes: column('nodes'),
    wait: column('wait'),
    paid: column('paid'),
    changes,
  };
}
