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
import type { WarmUp, WarmUpPhase, WarmUpStatus } from '../ports/warm-up.js';
import { announcedWarmUp, orderIn, wakeWarmUp } from './order-warm-ups.js';
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

/** Where orders are kept for all replicas of the scaler and over restarts. */
export interface OrderStore {
  isOpen(): boolean;
  /** From memory, a second or two old. */
  knownOf(workload: string): readonly WarmUpStatus[];
  /** As the store has it now. Rejects when it does not answer. */
  listOf(workload: string): Promise<readonly WarmUpStatus[]>;
  /** @returns false when there is no store yet. Rejects when it does not answer. */
  put(warmUp: WarmUp): Promise<boolean>;
  /** Rejects when the store does not answer. */
  take(id: string): Promise<void>;
}

export const NO_ORDER_STORE: OrderStore = {
  isOpen: () => false,
  knownOf: () => [],
  listOf: () => Promise.resolve([]),
  put: () => Promise.resolve(false),
  take: () => Promise.resolve(),
};

interface Booked {
  readonly announcement: Announcement;
  readonly preparation: Preparation;
  /** The same for the store. */
  readonly warmUp: WarmUp;
  /** The store has taken it. */
  stored: boolean;
}

interface BookedWake {
  readonly floor: Floor;
  readonly warmUp: WarmUp;
  stored: boolean;
}

/** Of one ScaledObject, whatever its metadata: an edit does not undo what was asked for. */
interface Page {
  wake: BookedWake | null;
  readonly announcements: Map<string, Booked>;
}

export interface OrderBookOptions {
  readonly store?: OrderStore;
  /** As learned, in place of the policy's. */
  readonly leadTimeOf?: (workload: Workload) => Millis | null;
  /** The most replicas there can be, in place of the policy's; null: not known. */
  readonly mostOf?: (workload: Workload) => number | null;
  /** The store could not take an order, which is remembered here and handed over later. */
  readonly onUnstored?: (why: string) => void;
}

/**
 * Wakes and announcements. Each is in force at once from memory, and handed to the warm-up store, where all replicas of the
 * scaler and those after a restart find it; once the store shows it, the store's word counts. Without a store they end
 * with the process, and another replica, which may be the one that KEDA talks to, does not know of them.
 */
export class OrderBook implements Orders {
  readonly #registry: Pick<Registry, 'named'>;
  readonly #clock: Clock;
  readonly #onOrder: (workloads: readonly Workload[]) => void;
  readonly #store: OrderStore;
  readonly #options: OrderBookOptions;
  readonly #pages = new Map<string, Page>();

  /** @param onOrder is told of the workloads whose orders have changed */
  constructor(
    registry: Pick<Registry, 'named'>,
    clock: Clock,
    onOrder: (workloads: readonly Workload[]) => void,
    options: OrderBookOptions = {},
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#onOrder = onOrder;
    this.#store = options.store ?? NO_ORDER_STORE;
    this.#options = options;
  }

  /** What holds now, as far as it is not the store's to say. */
  floorsOf(namespace: string, name: string, now: Millis): readonly Floor[] {
    const page = this.#pages.size === 0 ? undefined : this.#pages.get(`${namespace}/${name}`);
    if (page === undefined) return [];
    const floors: Floor[] = page.wake === null || page.wake.floor.until <= now ? [] : [page.wake.floor];
    for (const { preparation } of page.announcements.values()) {
      const { replicas, from, until, why } = preparation;
      if (from <= now && now < until) floors.push({ by: 'announcement', replicas, until, why });
    }
    return floors;
  }

  /** Hands over what the store has not taken yet, and forgets what it shows. Never rejects. */
  async settle(): Promise<void> {
    if (!this.#store.isOpen()) return;
    for (const [key, page] of this.#pages) {
      const shown = new Map(this.#store.knownOf(key).map((status) => [status.warmUp.id, status.phase]));
      const orders = [...(page.wake === null ? [] : [page.wake]), ...page.announcements.values()];
      for (const order of orders) {
        if (order.warmUp.holdUntil <= this.#clock.now()) continue;
        if (!order.stored) await this.#keep(order);
        else if (isUpToTheStore(shown.get(order.warmUp.id), order.warmUp, this.#clock.now()))
          this.forget(order.warmUp.id);
      }
    }
    this.#forgetEnded();
  }

  /** It was cancelled: it must not live on here. */
  forget(id: string): void {
    for (const page of this.#pages.values()) {
      if (page.wake?.warmUp.id === id) page.wake = null;
      for (const [key, { warmUp }] of page.announcements) {
        if (warmUp.id === id) page.announcements.delete(key);
      }
    }
  }

  async wake(namespace: string, name: string, request: WakeRequest): Promise<Woken> {
    const { replicas: asked, length: given } = request;
    const [replicas, length] = [asked ?? 1, given ?? WAKE_FOR];
    const found = this.#find(namespace, name);
    if ('kind' in found) return found;
    if (!(Number.isInteger(replicas) && replicas >= 1 && replicas <= MOST_REPLICAS))
      return { kind: 'refused', why: `replicas: expected a whole number from 1 to ${MOST_REPLICAS}` };
    if (!(length >= 0 && length <= LONGEST_WAKE))
      return { kind: 'refused', why: `for: expected a duration of at most ${inWords(LONGEST_WAKE)}` };
    const now = this.#clock.now();
    const until = now + length;
    const why = `woken by hand: at least ${replicas} for ${inWords(length)}`;
    const { page, workloads } = found;
    const floor: Floor = { by: 'wake', replicas, until, why };
    const terms = this.#termsOf(workloads);
    const warmUp = wakeWarmUp(namespace, name, floor, terms, now);
    const cap = replicas > terms.most ? { cappedAt: terms.most } : {};
    const isKept = this.#isKept(workloads);
    const order: BookedWake = { floor, warmUp, stored: !isKept };
    page.wake = length === 0 ? null : order;
    this.#onOrder(workloads);
    if (!isKept) return { kind: 'awake', replicas, until, ...cap };
    const taken = await this.#replaceWake(warmUp, length);
    if (!taken && length === 0) {
      const kept = 'the warm-up store does not answer: an earlier wake stands until it ends';
      return { kind: 'refused', why: kept };
    }
    if (length > 0) await this.#keep(order);
    return { kind: 'awake', replicas, until, ...cap };
  }

  /** The one before makes room: what has begun would keep its times. */
  async #replaceWake({ id, workload }: WarmUp, length: Millis): Promise<boolean> {
    const isThere = this.#store.knownOf(workload).some(({ warmUp }) => warmUp.id === id);
    if (!isThere && length > 0) return true;
    try {
      await this.#store.take(id);
      return true;
    } catch (error) {
      this.#options.onUnstored?.((error as Error).message);
      return false;
    }
  }

  async announce(namespace: string, name: string, announcement: Announcement): Promise<Announced> {
    const found = this.#find(namespace, name);
    if ('kind' in found) return found;
    const elsewhere = await this.#storedOrders(`${namespace}/${name}`);
    const now = this.#clock.now();
    const { announcements } = found.page;
    for (const [key, { preparation }] of announcements) {
      if (preparation.until <= now) announcements.delete(key);
    }
    const { idempotencyKey } = announcement;
    const known = announcements.get(idempotencyKey) ?? elsewhere.get(idempotencyKey);
    if (known !== undefined) {
      return isSame(known.announcement, announcement)
        ? { kind: 'duplicate', preparation: known.preparation }
        : { kind: 'conflict', why: `idempotencyKey "${idempotencyKey}" is another announcement’s` };
    }
    const wrong = whatIsWrong(announcement, now);
    if (wrong !== null) return { kind: 'refused', why: wrong };
    if (new Set([...announcements.keys(), ...elsewhere.keys()]).size >= MOST_ANNOUNCEMENTS)
      return { kind: 'full', why: `at most ${MOST_ANNOUNCEMENTS} announcements for one ScaledObject` };
    const policy = this.#policyFor(found.workloads);
    if (policy === null || policy.serviceTime === null) {
      const why = `nobody says how long one request of ${namespace}/${name} takes: give serviceTime (and slots) in its metadata`;
      return { kind: 'refused', why };
    }
    const preparation = prepared(announcement, policy, policy.serviceTime, now);
    const warmUp = announcedWarmUp(namespace, name, announcement, preparation, policy.leadTime);
    const isKept = this.#isKept(found.workloads);
    const order: Booked = { announcement, preparation, warmUp, stored: !isKept };
    announcements.set(idempotencyKey, order);
    this.#onOrder(found.workloads);
    if (isKept) await this.#keep(order);
    return { kind: 'accepted', preparation };
  }

  /** In a dry run nothing comes of it, and a warm-up would wait for its replicas in vain. */
  #isKept(workloads: readonly Workload[]): boolean {
    return workloads.some(({ trigger }) => !trigger.policy.dryRun);
  }

  async #keep(order: Booked | BookedWake): Promise<void> {
    try {
      order.stored = await this.#store.put(order.warmUp);
    } catch (error) {
      this.#options.onUnstored?.((error as Error).message);
    }
  }

  async #storedOrders(
    workload: string,
  ): Promise<ReadonlyMap<string, Pick<Booked, 'announcement' | 'preparation'>>> {
    const statuses = await this.#store.listOf(workload).catch(() => this.#store.knownOf(workload));
    const orders = statuses.flatMap(({ warmUp }) => orderIn(warmUp) ?? []);
    return new Map(orders.map((order) => [order.announcement.idempotencyKey, order]));
  }

  #policyFor(workloads: readonly Workload[]): Policy | null {
    const workload = workloads.find(({ trigger }) => trigger.policy.serviceTime !== null);
    if (workload === undefined) return null;
    return this.#policyOf(workload);
  }

  /** The trigger's, with what is known besides. */
  #policyOf(workload: Workload): Policy {
    const { policy } = workload.trigger;
    const { leadTimeOf, mostOf } = this.#options;
    const maxReplicas = mostOf === undefined ? policy.maxReplicas : mostOf(workload);
    return { ...policy, leadTime: leadTimeOf?.(workload) ?? policy.leadTime, maxReplicas };
  }

  #termsOf(workloads: readonly Workload[]): { readonly leadTime: Millis; readonly most: number } {
    const each = workloads.map((workload) => {
      const { leadTime, maxReplicas } = this.#policyOf(workload);
      return { leadTime, most: maxReplicas ?? MOST_REPLICAS };
    });
    return {
      leadTime: Math.max(...each.map(({ leadTime }) => leadTime)),
      most: Math.max(...each.map(({ most }) => most)),
    };
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
    if (this.#pages.size >= MOST_ORDERED) this.#forgetEnded();
    if (this.#pages.size >= MOST_ORDERED)
      return { kind: 'full', why: `${MOST_ORDERED} ScaledObjects have orders, the limit` };
    const page: Page = { wake: null, announcements: new Map() };
    this.#pages.set(key, page);
    return { page, workloads };
  }

  /** Drops pages on which nothing holds or will. */
  #forgetEnded(): void {
    const now = this.#clock.now();
    for (const [key, { wake, announcements }] of this.#pages) {
      const ends = [...announcements.values()].map(({ preparation }) => preparation.until);
      if (Math.max(wake?.floor.until ?? 0, ...ends) <= now) this.#pages.delete(key);
    }
  }
}

/** Whether the store itself says what holds of an order by now. */
function isUpToTheStore(phase: WarmUpPhase | undefined, { startAt }: WarmUp, now: Millis): boolean {
  return phase !== undefined && (phase !== 'planned' || now < startAt);
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
