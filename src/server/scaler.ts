import { decide } from '../core/decide.js';
import type { Decision } from '../core/decision.js';
import type { Floor, Grant, Observation } from '../core/observation.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { ScaledObjectFacts } from '../ports/cluster.js';
import type { DecisionLog } from '../ports/decision-log.js';
import type { Answer, Caller, Decisions, Refusal, Specs, TriggerRef } from '../ports/decisions.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import type { Workloads } from '../ports/workloads.js';
import { createBoard, type Board, type Question } from './board.js';
import type { ForecastMemories } from './forecast-memories.js';
import { advise } from './foresight.js';
import { hasSilentPods, inquire, observe, observeServed, type Inquiry } from './observe.js';
import { aliveQuestion, scrapable, type Asked, type Scrapable, type Sources } from './questions.js';
import type { Registry } from './registry.js';
import { inSlices } from './slices.js';
import { follow, type Workload } from './workload.js';

/** The first call for a trigger waits for its first evaluation, at most two seconds in all: KEDA holds a lock meanwhile. */
const FIRST_ANSWER_WITHIN: Millis = 1700;
const FIRST_PROOF_WITHIN: Millis = 200;

export interface ScalerParts {
  readonly registry: Registry;
  readonly sources: Sources;
  readonly targets: ScrapeTargets;
  readonly workloads: Workloads;
  /** Null while it is not known; left out without access to the cluster. */
  readonly scaledObjectOf?: (workload: Workload) => ScaledObjectFacts | null;
  readonly log: DecisionLog | null;
  readonly clock: Clock;
  /** Replicas that people have asked for; none where it is left out. */
  readonly floorsOf?: (workload: Workload, now: Millis) => readonly Floor[];
  /** What there is room and money for; where it is left out nothing is capped. */
  readonly grantOf?: (workload: Workload) => Grant | null;
  /** What forecasts learned before; where it is left out they begin anew. */
  readonly memories?: ForecastMemories;
  /** Lead times as learned, in place of the policy's; none where it is left out. */
  readonly leadTimeOf?: (workload: Workload) => Millis | null;
  readonly tickMs: Millis;
  /** A round ends when this does. */
  readonly onTick: (tick: TickReport) => Promise<void> | void;
  readonly onDecision?: (workload: Workload, now: Millis, observation: Observation) => void;
  /** A fault of ours in the evaluation of one workload. */
  readonly onFault: (workload: string, error: unknown) => void;
}

export interface TickReport {
  readonly seconds: number;
  readonly workloads: number;
  /** Requests to sources, each asked once. */
  readonly questions: number;
}

/** The runner around core: asks the sources, steps every workload, and keeps the decision that all calls are answered from. */
export class Scaler implements Decisions {
  readonly #parts: ScalerParts;
  readonly #board: Board;
  /** First evaluations under way: one for each workload, however many calls wait for it. */
  readonly #first = new Map<Workload, Promise<void>>();

  constructor(parts: ScalerParts) {
    this.#parts = parts;
    this.#board = createBoard(parts.clock);
  }

  specs(ref: TriggerRef, caller: Caller): Specs {
    const { registry, clock } = this.#parts;
    const workload = registry.known(ref);
    // With `useCachedMetrics` an HPA's sync is this call and no other (KEDA-PROTOCOL 42).
    if (workload !== null) {
      workload.askedAt = clock.now();
      if (caller === 'hpa') workload.hpaAskedAt = clock.now();
    }
    const trigger = workload?.trigger ?? registry.check(ref);
    return 'kind' in trigger ? trigger : { kind: 'specs', specs: trigger.metricSpecs };
  }

  current(ref: TriggerRef, caller: Caller): Answer | Promise<Answer> {
    const { registry, clock } = this.#parts;
    const workload = registry.find(ref);
    if ('kind' in workload) return workload;
    if (caller === 'hpa') workload.hpaAskedAt = clock.now();
    return workload.decision === null
      ? this.#evaluated(workload).then(() => answerOf(workload))
      : answerOf(workload);
  }

  watch(ref: TriggerRef, listener: (decision: Decision) => void): (() => void) | Refusal {
    const workload = this.#parts.registry.find(ref);
    if ('kind' in workload) return workload;
    workload.listeners.add(listener);
    if (workload.decision === null) void this.#evaluated(workload);
    else listener(workload.decision);
    return () => void workload.listeners.delete(listener);
  }

  /** One round: every question once, whatever the number of workloads, then every workload. Rounds must not overlap. */
  async tick(): Promise<void> {
    const { registry, clock, tickMs, onTick } = this.#parts;
    const began = clock.now();
    registry.forget();
    const direct = this.#scrapable();
    const inquiries: [Workload, Inquiry][] = [];
    const questions = new Map<string, Question>();
    await inSlices([...registry.all()], (workload) => {
      const inquiry = this.#inquire(workload, direct);
      inquiries.push([workload, inquiry]);
      for (const question of questionsOf(inquiry)) questions.set(question.key, question);
    });
    // A source that takes longer than most of a tick is late: its last values stand in for it, with their age.
    const asked = await this.#board.ask(questions.values(), Math.max(500, Math.floor(tickMs * 0.8)));
    const alive = new Map<string, Question>();
    await inSlices(inquiries, ([workload, inquiry]) => {
      for (const question of this.#aliveQuestions(workload, inquiry)) alive.set(question.key, question);
    });
    const askedAlive = await this.#board.ask(alive.values(), Math.floor(tickMs * 0.15));
    await this.#evaluateAll(inquiries);
    this.#board.forget(began - 10 * tickMs);
    this.#parts.memories?.saveIfDue();
    await onTick({
      seconds: (clock.now() - began) / 1000,
      workloads: inquiries.length,
      questions: asked + askedAlive,
    });
  }

  /** Decides again at once on what is known, without asking: what people have asked for has changed. */
  decideNow(workloads: Iterable<Workload>): void {
    const direct = this.#scrapable();
    for (const workload of workloads) {
      if (workload.decision === null) void this.#evaluated(workload);
      else this.#evaluateSafely(workload, this.#inquire(workload, direct));
    }
  }

  /** Reads the queues of some workloads anew and decides, before the next tick would: something has happened there. */
  async refresh(workloads: readonly Workload[]): Promise<void> {
    const direct = this.#scrapable();
    const inquiries = workloads.map((workload) => this.#inquire(workload, direct));
    const queues = inquiries.flatMap(questionsOf).filter(({ request }) => request.queue !== undefined);
    await this.#board.askAnew(queues, FIRST_ANSWER_WITHIN);
    for (const [index, workload] of workloads.entries()) {
      const inquiry = inquiries[index];
      if (inquiry !== undefined) this.#evaluateSafely(workload, inquiry);
    }
  }

  async #evaluateAll(inquiries: readonly [Workload, Inquiry][]): Promise<void> {
    await inSlices(inquiries, ([workload, inquiry]) => this.#evaluateSafely(workload, inquiry));
  }

  /** A fault in one workload's evaluation is not the others': its last decision stands. */
  #evaluateSafely(workload: Workload, inquiry: Inquiry): void {
    try {
      this.#evaluate(workload, inquiry);
    } catch (error) {
      this.#parts.onFault(workload.id, error);
    }
  }

  #inquire(workload: Workload, direct: Scrapable): Inquiry {
    const { sources, scaledObjectOf } = this.#parts;
    const scaledObject = scaledObjectOf?.(workload) ?? null;
    if (scaledObject !== null) follow(workload, scaledObject);
    return inquire(workload, scaledObject, sources, direct);
  }

  #evaluated(workload: Workload): Promise<void> {
    const running =
      this.#first.get(workload) ?? this.#evaluateFirst(workload).finally(() => this.#first.delete(workload));
    this.#first.set(workload, running);
    return running;
  }

  /** A new workload takes what the last tick has read, and waits only for what nobody has asked yet. */
  async #evaluateFirst(workload: Workload): Promise<void> {
    const { clock, tickMs } = this.#parts;
    const inquiry = this.#inquire(workload, this.#scrapable());
    const old = clock.now() - 2 * tickMs;
    const unknown = questionsOf(inquiry).filter(({ key }) => (this.#board.known(key)?.at ?? 0) < old);
    await this.#board.ask(unknown, FIRST_ANSWER_WITHIN);
    await this.#board.ask(this.#aliveQuestions(workload, inquiry), FIRST_PROOF_WITHIN);
    if (workload.decision === null) this.#evaluate(workload, inquiry);
  }

  #evaluate(workload: Workload, inquiry: Inquiry): void {
    const { clock, workloads, log, memories } = this.#parts;
    const given = workload.trigger.policy;
    const learned = given.leadTimeGiven ? null : (this.#parts.leadTimeOf?.(workload) ?? null);
    const policy = learned === null ? given : { ...given, leadTime: learned };
    const now = clock.now();
    if (workload.version === 0) memories?.attend(workload);
    const seen = observe(workload, inquiry, this.#board, workloads, now);
    const advised = this.#advised(workload, inquiry, seen, policy.leadTime, now);
    const observation = this.#granted(workload, this.#ordered(workload, advised, policy.leadTime, now));
    const { state, decision } = decide(workload.state, observation, policy, now);
    log?.append({
      trigger: workload.id,
      ...(workload.version === 0 ? { policy: given } : {}),
      ...(learned === null ? {} : { leadTime: learned }),
      now,
      observation,
      decision,
    });
    workload.state = state;
    workload.decision = decision;
    workload.version += 1;
    for (const listener of workload.listeners) listener(decision);
    this.#parts.onDecision?.(workload, now, observation);
  }

  /** With what the forecast asks for, where the trigger wants one. */
  #advised(
    workload: Workload,
    inquiry: Inquiry,
    observation: Observation,
    leadTime: Millis,
    now: Millis,
  ): Observation {
    if (workload.foresight === null) return observation;
    const served = observeServed(workload, inquiry, this.#board);
    return { ...observation, forecast: advise(workload, observation, served, leadTime, now) };
  }

  /** With what windows and people ask for; most workloads have neither. */
  #ordered(workload: Workload, observation: Observation, leadTime: Millis, now: Millis): Observation {
    const floors = this.#parts.floorsOf?.(workload, now) ?? [];
    const windows = workload.windows?.(leadTime, now) ?? null;
    if (windows === null) return floors.length === 0 ? observation : { ...observation, floors };
    return { ...observation, floors: [...windows.floors, ...floors], sleep: windows.sleep };
  }

  #granted(workload: Workload, observation: Observation): Observation {
    const grant = this.#parts.grantOf?.(workload) ?? null;
    return grant === null ? observation : { ...observation, grant };
  }

  #aliveQuestions(workload: Workload, { signals }: Inquiry): Question[] {
    return signals.flatMap((asked) => {
      const alive = 'key' in asked ? aliveQuestion(asked) : null;
      return alive !== null && hasSilentPods(workload, asked, this.#board) ? [alive] : [];
    });
  }

  #scrapable(): Scrapable {
    return scrapable(this.#parts.targets.list());
  }
}

function questionsOf({ signals, wake, served }: Inquiry): Question[] {
  const asked: (Asked | null)[] =
    wake === null && served === null ? [...signals] : [...signals, wake, served];
  return asked.flatMap((each) => (each !== null && 'key' in each ? [each] : []));
}

function answerOf({ decision, trigger }: Workload): Answer {
  if (decision === null) return { kind: 'unavailable', why: 'not evaluated yet' };
  return { kind: 'decided', decision, specs: trigger.metricSpecs };
}
