import type { Sample } from '../core/observation.js';
import { MINUTE, SECOND, type Millis } from '../core/time.js';
import { modelLoadProfile, servedProfile } from '../policy/beside-signal.js';
import { parseDuration } from '../policy/duration.js';
import type { Profile } from '../policy/profile.js';
import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import { createBoard, type Question } from './board.js';
import { ModelLoads } from './model-load.js';
import { questionFor, scrapable, type Sources } from './questions.js';
import { inSlices } from './slices.js';
import { Throughput } from './throughput.js';
import type { Workload } from './workload.js';

const SERVED_EVERY: Millis = MINUTE;
const MODEL_LOAD_EVERY: Millis = 5 * MINUTE;
const ANSWERED_WITHIN: Millis = 10 * SECOND;

export interface PodReadingsParts {
  readonly clock: Clock;
  /** What is wanted: what is served tells nothing where nothing has a price. */
  readonly served: boolean;
  readonly modelLoad: boolean;
  /** Of the server's ticks: where they are shorter than 5 s, so is all else. */
  readonly tickMs: Millis;
  /** A fault of ours. */
  readonly onFault: (error: unknown) => void;
}

/** Where it is read. */
export interface PodPlaces {
  readonly sources: Sources;
  readonly targets: ScrapeTargets;
}

/** One thing that pods report, and when it was last asked for. */
interface Reading {
  readonly every: Millis;
  readonly profileOf: (profile: Profile) => Profile | null;
  readonly note: (id: string, samples: readonly Sample[], freshFor: Millis, now: Millis) => void;
  readonly keep: (ids: ReadonlySet<string>) => void;
  at: Millis | null;
}

/**
 * What pods report beside their signals, for people and not for decisions: asked now and then, one question for all
 * workloads of a profile. After a tick, since a page that has just been scraped serves twice, while a scrape between two
 * ticks would shorten the interval of the next rate.
 */
export class PodReadings {
  readonly #parts: PodReadingsParts;
  readonly #throughput = new Throughput();
  readonly #modelLoads = new ModelLoads();
  readonly #readings: readonly Reading[];
  #underWay = false;

  constructor(parts: PodReadingsParts) {
    this.#parts = parts;
    const scale = Math.min(1, parts.tickMs / (5 * SECOND));
    const served: Reading = {
      every: SERVED_EVERY * scale,
      profileOf: servedProfile,
      note: (id, samples, freshFor, now) => this.#throughput.note(id, samples, freshFor, now),
      keep: (ids) => this.#throughput.keep(ids),
      at: null,
    };
    const modelLoad: Reading = {
      every: MODEL_LOAD_EVERY * scale,
      profileOf: modelLoadProfile,
      note: (id, samples) => this.#modelLoads.note(id, samples),
      keep: (ids) => this.#modelLoads.keep(ids),
      at: null,
    };
    this.#readings = [...(parts.served ? [served] : []), ...(parts.modelLoad ? [modelLoad] : [])];
  }

  /** @returns requests per second over about five minutes; null: not known, which is not 0 */
  perSecondOf({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): number | null {
    return this.#throughput.perSecond(`${namespace}/${name}`, this.#parts.clock.now());
  }

  /** @returns what the model server says loading took, the mean of the last pods; null: it does not say */
  modelLoadOf({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): Millis | null {
    return this.#modelLoads.of(`${namespace}/${name}`);
  }

  /** Asks what is due, without anybody waiting for it. Never rejects. @returns how many questions were asked */
  async afterTick(workloads: Iterable<Workload>, places: PodPlaces): Promise<number> {
    const now = this.#parts.clock.now();
    const due = this.#readings.filter(({ at, every }) => at === null || Math.abs(now - at) >= every);
    if (this.#underWay || due.length === 0) return 0;
    this.#underWay = true;
    try {
      const all = byScaledObject(workloads);
      if (all.size === 0) return 0;
      let asked = 0;
      for (const reading of due) asked += await this.#read(reading, all, places, now);
      return asked;
    } catch (error) {
      this.#parts.onFault(error);
      return 0;
    } finally {
      this.#underWay = false;
    }
  }

  async #read(
    reading: Reading,
    workloads: ReadonlyMap<string, readonly Workload[]>,
    { sources, targets }: PodPlaces,
    now: Millis,
  ): Promise<number> {
    const { clock } = this.#parts;
    const direct = scrapable(targets.list());
    const asked: { id: string; workload: Workload; question: Question }[] = [];
    await inSlices([...workloads], ([id, triggers]) => {
      const found = triggers.flatMap((workload) => {
        const [profile] = workload.trigger.profiles.flatMap((each) => reading.profileOf(each) ?? []);
        const question = profile === undefined ? null : questionFor(workload, profile, sources, direct);
        return question !== null && 'key' in question ? [{ id, workload, question }] : [];
      });
      // Each counts what its pods serve: triggers beside each other would count it twice. The youngest knows its pods best.
      const youngest = found.at(-1);
      if (youngest !== undefined) asked.push(youngest);
    });
    reading.at = now;
    const board = createBoard(clock);
    const count = await board.ask(
      asked.map(({ question }) => question),
      ANSWERED_WITHIN,
    );
    await inSlices(asked, ({ id, workload, question }) => {
      const known = board.known(question.key);
      const freshFor = parseDuration(question.request.profile.freshFor) ?? 0;
      // All models of a pod are paid for together, whichever of them the trigger names.
      const samples = known?.index?.pods(workload.target, null) ?? [];
      reading.note(id, samples, freshFor, clock.now());
    });
    reading.keep(new Set(workloads.keys()));
    return count;
  }
}

function byScaledObject(workloads: Iterable<Workload>): ReadonlyMap<string, readonly Workload[]> {
  const found = new Map<string, Workload[]>();
  for (const workload of workloads) {
    const id = `${workload.namespace}/${workload.name}`;
    const siblings = found.get(id);
    if (siblings === undefined) found.set(id, [workload]);
    else siblings.push(workload);
  }
  return found;
}
