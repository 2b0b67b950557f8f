import type { Millis } from '../core/time.js';
import type { QueueWatch, QueueWatchParts } from '../signals/queues/bullmq-watch.js';
import type { Workload } from './workload.js';

/**
 * Workloads at zero that wait for a queue: something happened in the queue is known at once, and they need not wait for the
 * next tick. Queues of workloads that are active are left alone: those have events all the time.
 */
export class QueueWakes {
  readonly #watch: QueueWatch;
  readonly #refresh: (workloads: readonly Workload[]) => Promise<void>;
  #asleep = new Map<string, Set<Workload>>();

  constructor(
    open: (parts: Pick<QueueWatchParts, 'queues' | 'onEvent'>) => QueueWatch,
    refresh: (workloads: readonly Workload[]) => Promise<void>,
  ) {
    this.#refresh = refresh;
    this.#watch = open({
      queues: () => this.#asleep.keys(),
      onEvent: (queue) => this.#onEvent(queue),
    });
  }

  /** After a decision. */
  note(workload: Workload, now: Millis): void {
    const { queue } = workload.trigger;
    if (queue === null) return;
    const others = this.#asleep.get(queue);
    if (waits(workload, now)) {
      if (others === undefined) this.#asleep.set(queue, new Set([workload]));
      else others.add(workload);
      this.#watch.nudge();
    } else if (others?.delete(workload) === true && others.size === 0) this.#asleep.delete(queue);
  }

  /** After a tick: who is still there. */
  only(workloads: Iterable<Workload>, now: Millis): void {
    this.#asleep = new Map();
    for (const workload of workloads) this.note(workload, now);
  }

  close(): void {
    this.#watch.close();
  }

  async #onEvent(queue: string): Promise<void> {
    const asleep = this.#asleep.get(queue);
    if (asleep !== undefined) await this.#refresh([...asleep]);
  }
}

/** Not where it is awake, where its queue wakes nobody, and in a sleep window, which no job ends. */
function waits({ decision, trigger, windows }: Workload, now: Millis): boolean {
  if (decision === null || decision.active) return false;
  const { wake, profiles, policy } = trigger;
  const reads = wake?.series === 'queue' || profiles.some((profile) => profile.series === 'queue');
  return reads && (windows === null || windows(policy.leadTime, now).sleep === null);
}
