import type { Decision } from '../../core/decision.js';
import type { ReplayPolicy, Sample } from '../policy.js';
import type { PageTimeline } from './html-series.js';

/** One sample of a run, with the decision that stood when it was taken. */
export interface TimelineRow extends Sample {
  /** Null while there is none: before the first, and while blind. */
  readonly desired: number | null;
  /** Why, where the decision asks for other replicas than the one before. */
  readonly reason: string | null;
}

/** Collects a run. Samples come in late, so decisions wait for theirs. */
export interface Timeline {
  readonly rows: TimelineRow[];
  decided(t: number, decision: Decision): void;
  /** The policy, watched: what it is shown is what is kept. */
  watching(policy: ReplayPolicy): ReplayPolicy;
}

/** So much of a decision as a row takes. */
interface Decided {
  readonly t: number;
  readonly desired: number | null;
  readonly reason: string | null;
}

export function newTimeline(): Timeline {
  const rows: TimelineRow[] = [];
  const waiting: Decided[] = [];
  let standing: Decided | null = null;
  let last: number | null | undefined;
  const add = (sample: Sample) => {
    let reason: string | null = null;
    while (waiting[0] !== undefined && waiting[0].t <= sample.t) {
      standing = waiting.shift() ?? standing;
      reason = standing?.reason ?? reason;
    }
    rows.push({ ...sample, desired: standing?.desired ?? null, reason });
  };
  return {
    rows,
    decided(t, { verdict, desired: wanted, reason }) {
      const desired = verdict === 'blind' ? null : wanted;
      waiting.push({ t, desired, reason: desired === last ? null : reason });
      last = desired;
    },
    watching: (policy) => ({
      ...policy,
      tick(t, observation) {
        for (const sample of observation.samples) add(sample);
        return policy.tick(t, observation);
      },
    }),
  };
}

const COLUMNS = 't_seconds,arrivals,queue,running,ready,replicas,desired,util,duty,reason';

/** One row a sample; the last field is quoted. Shares are empty where no replica was ready. */
export function timelineCsv(rows: readonly TimelineRow[]): string {
  const lines = rows.map(({ t, arrivals, queue, running, ready, spec, desired, util, duty, reason }) =>
    [t, arrivals, queue, running, ready, spec, desired ?? '', share(util), share(duty), quoted(reason)].join(
      ',',
    ),
  );
  return `${[COLUMNS, ...lines].join('\n')}\n`;
}

/** The run in columns, as the page takes it. */
export function pageTimeline(policy: string, rows: readonly TimelineRow[]): PageTimeline {
  const column = (name: 't' | 'arrivals' | 'queue' | 'running' | 'ready') =>
    Float64Array.from(rows, (row) => row[name]);
  return {
    policy,
    t: column('t'),
    arrivals: column('arrivals'),
    queue: column('queue'),
    running: column('running'),
    desired: rows.map(({ desired }) => desired),
    ready: column('ready'),
  };
}

function share(value: number | null): string {
  return value === null ? '' : String(Number(value.toFixed(4)));
}

function quoted(text: string | null): string {
  return text === null ? '' : `"${text.replaceAll('"', '""')}"`;
}
