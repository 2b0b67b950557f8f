import type { WarmUpStatus } from '../ports/warm-up.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import { waitUntil } from './loops.js';
import type { StoryClock } from './story-clock.js';
import { secondBurst, type Story } from './story.js';
import { NAMESPACE, type DemoWorkload } from './workloads.js';

/** A warm-up as the demo tells of it. Seconds of the story. */
export interface WarmUpNote {
  readonly workload: string;
  readonly replicas: number;
  readonly phase: WarmUpStatus['phase'];
  readonly askedAt: number;
  /** When the load was announced for. */
  readonly startsAt: number;
  /** Null: not yet. */
  readonly readyAt: number | null;
  readonly why: string;
  /** What the last step said. */
  readonly note: string;
}

/** What the server says of its warm-ups, and said of those that have ended; newest last. */
export class WarmUpWatch {
  readonly #desk: WarmUpDesk;
  readonly #clock: StoryClock;
  readonly #seen = new Map<string, WarmUpNote>();

  constructor(desk: WarmUpDesk, clock: StoryClock) {
    this.#desk = desk;
    this.#clock = clock;
  }

  get notes(): readonly WarmUpNote[] {
    return [...this.#seen.values()];
  }

  /** Looks anew. @returns those that have come to another phase since the last look */
  look(): readonly WarmUpNote[] {
    const toStory = (at: number) => this.#clock.seconds() - (this.#clock.now() - at) / 1000;
    const changed: WarmUpNote[] = [];
    for (const { warmUp, phase, plannedAt, readyAt, steps } of this.#desk.known()) {
      const note: WarmUpNote = {
        workload: warmUp.workload.split('/')[1] ?? '',
        replicas: warmUp.replicas,
        phase,
        askedAt: toStory(plannedAt),
        startsAt: toStory(warmUp.readyBy),
        readyAt: readyAt === null ? null : toStory(readyAt),
        why: warmUp.why,
        note: steps.at(-1)?.note ?? '',
      };
      if (this.#seen.get(warmUp.id)?.phase !== phase) changed.push(note);
      this.#seen.set(warmUp.id, note);
    }
    return changed;
  }
}

/**
 * Tells the server of a workload's second burst over its admin HTTP, as `pilotlight announce` does: the lead time before it
 * comes, so many requests until it ends. Until `signal` is aborted.
 *
 * @param server the address of the admin HTTP
 */
export async function announceBursts(
  workload: DemoWorkload,
  story: Story,
  server: string,
  clock: StoryClock,
  signal: AbortSignal,
): Promise<void> {
  const burst = secondBurst(story);
  const { announced, offset, name, peak } = workload;
  if (burst === null || announced === null) return;
  for (let round = 0; !signal.aborted; round += 1) {
    const shift = round * story.seconds + offset;
    await waitUntil(burst.from + shift - announced, clock, signal);
    if (signal.aborted) return;
    const at = (second: number) => new Date(clock.now() + (second - clock.seconds()) * 1000).toISOString();
    const body = {
      jobs: Math.round(peak * (burst.until - burst.from)),
      startsAt: at(burst.from + shift),
      deadline: at(burst.until + shift),
      idempotencyKey: `burst-${round}`,
    };
    const url = `${server}/v1/workloads/${NAMESPACE}/${name}/announce`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    if (!story.repeats) return;
  }
}
