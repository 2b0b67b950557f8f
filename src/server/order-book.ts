import { finishedIn, fewestReplicas, mostUseful, type Crew } from '../core/deadline.js';
import type { Floor } from '../core/observation.js';
import { MOST_REPLICAS, type Policy } from '../core/policy.js';
import { DAY, inWords, MINUTE, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type {
  Announced,
  Announcement,
  Orders,
  Preparation,
  Refused,
  WakeRequest,
  Woken,
} from '../ports/orders.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

/** Long enough for a cold start and somebody who then looks at it. */
const WAKE_FOR: Millis = 15 * MINUTE;
const LONGEST_WAKE: Millis = DAY;
const FURTHEST: Millis = 31 * DAY;
/** Of one ScaledObject. */
const MOST_ANNOUNCEMENTS = 100;
/** ScaledObjects with orders. */
const MOST_ORDERED = 10_000;

interface Booked {
  readonly announcement: Announcement;
  readonly preparation: Preparation;
}

/** Of one ScaledObject, whatever its metadata: an edit does not undo what was asked for. */
interface Page {
  wake: Floor | null;
  readonly announcements: Map<string, Booked>;
}

/**
 * Wakes and announcements, in memory: they end with the process, and another replica of the scaler does not know of them,
 * which may be the one that KEDA talks to.
 */
export class OrderBook implements Orders {
  readonly #registry: Pick<Registry, 'named'>;
  readonly #clock: Clock;
  readonly #onOrder: (workloads: readonly Workload[]) => void;
  readonly #pages = new Map<string, Page>();

  /** @param onOrder is told of the workloads whose orders have changed */
  constructor(
    registry: Pick<Registry, 'named'>,
    clock: Clock,
    onOrder: (workloads: readonly Workload[]) => void,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#onOrder = onOrder;
  }

  /** What holds now. */
  floorsOf(namespace: string, name: string, now: Millis): readonly Floor[] {
    const page = this.#pages.size === 0 ? undefined : this.#pages.get(`${namespace}/${name}`);
    if (page === undefined) return [];
    const floors: Floor[] = page.wake === null || page.wake.until <= now ? [] : [page.wake];
    for (const { preparation } of page.announcements.values()) {
      const { replicas, from, until, why } = preparation;
      if (from <= now && now < until) floors.push({ by: 'announcement', replicas, until, why });
    }
    return floors;
  }

  wake(namespace: string, name: string, { replicas, length }: WakeRequest): Promise<Woken> {
    return Promise.resolve(this.#wake(namespace, name, replicas ?? 1, length ?? WAKE_FOR));
  }

  #wake(namespace: string, name: string, replicas: number, length: Millis): Woken {
    const found = this.#find(namespace, name);
    if ('kind' in found) return found;
    if (!(Number.isInteger(replicas) && replicas >= 1 && replicas <= MOST_REPLICAS))
      return { kind: 'refused', why: `replicas: expected a whole number from 1 to ${MOST_REPLICAS}` };
    if (!(length >= 0 && length <= LONGEST_WAKE))
      return { kind: 'refused', why: `for: expected a duration of at most ${inWords(LONGEST_WAKE)}` };
    const until = this.#clock.now() + length;
    const why = `woken by hand: at least ${replicas} for ${inWords(length)}`;
    found.page.wake = { by: 'wake', replicas, until, why };
    this.#onOrder(found.workloads);
    return { kind: 'awake', replicas, until };
  }

  announce(namespace: string, name: string, announcement: Announcement): Promise<Announced> {
    return Promise.resolve(this.#announce(namespace, name, announcement));
  }

  #announce(namespace: string, name: string, announcement: Announcement): Announced {
    const found = this.#find(namespace, name);
    if ('kind' in found) return found;
    const now = this.#clock.now();
    const { announcements } = found.page;
    for (const [key, { preparation }] of announcements) {
      if (preparation.until <= now) announcements.delete(key);
    }
    const { idempotencyKey } = announcement;
    const known = announcements.get(idempotencyKey);
    if (known !== undefined) {
      return isSame(known.announcement, announcement)
        ? { kind: 'duplicate', preparation: known.preparation }
        : { kind: 'conflict', why: `idempotencyKey "${idempotencyKey}" is another announcement’s` };
    }
    const wrong = whatIsWrong(announcement, now);
    if (wrong !== null) return { kind: 'refused', why: wrong };
    if (announcements.size >= MOST_ANNOUNCEMENTS)
      return { kind: 'full', why: `at most ${MOST_ANNOUNCEMENTS} announcements for one ScaledObject` };
    const policy = found.workloads.map(({ trigger }) => trigger.policy).find((each) => each.serviceTime);
    if (policy === undefined || policy.serviceTime === null) {
      const why = `nobody says how long one request of ${namespace}/${name} takes: give serviceTime (and slots) in its metadata`;
      return { kind: 'refused', why };
    }
    const preparation = prepared(announcement, policy, policy.serviceTime, now);
    announcements.set(idempotencyKey, { announcement, preparation });
    this.#onOrder(found.workloads);
    return { kind: 'accepted', preparation };
  }

  #find(
    namespace: string,
    name: string,
  ): { readonly page: Page; readonly workloads: readonly Workload[] } | Refused {
    const workloads = this.#registry.named(namespace, name);
    if (workloads.length === 0) {
      const why = `no ScaledObject ${namespace}/${name}: KEDA has not asked about it in the last 10 minutes`;
      return { kind: 'unknown', why };
    }
    const key = `${namespace}/${name}`;
    const known = this.#pages.get(key);
    if (known !== undefined) return { page: known, workloads };
    if (this.#pages.size >= MOST_ORDERED) this.#forget();
    if (this.#pages.size >= MOST_ORDERED)
      return { kind: 'full', why: `${MOST_ORDERED} ScaledObjects have orders, the limit` };
    const page: Page = { wake: null, announcements: new Map() };
    this.#pages.set(key, page);
    return { page, workloads };
  }

  /** Drops pages on which nothing holds or will. */
  #forget(): void {
    const now = this.#clock.now();
    for (const [key, { wake, announcements }] of this.#pages) {
      const ends = [...announcements.values()].map(({ preparation }) => preparation.until);
      if (Math.max(wake?.until ?? 0, ...ends) <= now) this.#pages.delete(key);
    }
  }
}

function isSame(a: Announcement, b: Announcement): boolean {
  return a.jobs === b.jobs && a.startsAt === b.startsAt && a.deadline === b.deadline;
}

function whatIsWrong({ startsAt, deadline }: Announcement, now: Millis): string | null {
  if (deadline <= now) return 'deadline: it is past';
  if (deadline <= startsAt) return 'deadline: expected a moment after startsAt';
  return deadline > now + FURTHEST ? `deadline: expected one within ${FURTHEST / DAY} days` : null;
}

/** With a slot or more for each job nobody waits: the replicas are ready at the start, or as soon as they can be. */
function prepared(
  { jobs, startsAt, deadline }: Announcement,
  policy: Policy,
  serviceTime: Millis,
  now: Millis,
): Preparation {
  const { leadTime, slots, maxReplicas } = policy;
  const begins = Math.max(now, startsAt);
  const crew: Crew = {
    slots: slots ?? 1,
    serviceTime,
    ready: 0,
    starting: 0,
    startingIn: 0,
    leadTime: Math.max(0, now + leadTime - begins),
    begun: 0,
  };
  const fewest = fewestReplicas({ jobs, within: deadline - begins }, crew);
  const replicas = Math.min(
    fewest ?? mostUseful(jobs, crew.slots),
    maxReplicas ?? MOST_REPLICAS,
    MOST_REPLICAS,
  );
  const late = finishedIn(jobs, replicas, crew) - (deadline - begins);
  const load = `announced: ${jobs} jobs of ${inWords(serviceTime)} by ${new Date(deadline).toISOString()}`;
  const why =
    late <= 1
      ? `${load}: at least ${replicas}`
      : `${load}: cannot be met, short by ${inWords(late)} with ${replicas}`;
  return { replicas, from: Math.max(now, startsAt - leadTime), until: deadline, inTime: late <= 1, why };
}
