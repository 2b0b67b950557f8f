import { decide } from '../core/decide.js';
import type { Decision } from '../core/decision.js';
import type { Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { DecisionLog } from '../ports/decision-log.js';
import type { Answer, Caller, Decisions, Refusal, Specs, TriggerRef } from '../ports/decisions.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import type { Workloads } from '../ports/workloads.js';
import { createBoard, type Board, type Question } from './board.js';
import { hasSilentPods, inquire, observe, type Inquiry } from './observe.js';
import { aliveQuestion, scrapable, type Asked, type Scrapable, type Sources } from './questions.js';
import type { Registry } from './registry.js';
import type { Workload } from './workload.js';

/** The first call for a trigger waits for its first evaluation, at most two seconds in all: KEDA holds a lock meanwhile. */
const FIRST_ANSWER_WITHIN: Millis = 1700;
const FIRST_PROOF_WITHIN: Millis = 200;
/** The event loop gets its turn after so many workloads, each of some tens of microseconds. */
const SLICE = 200;

export interface ScalerParts {
  readonly registry: Registry;
  readonly sources: Sources;
  readonly targets: ScrapeTargets;
  readonly workloads: Workloads;
  readonly log: DecisionLog | null;
  readonly clock: Clock;
  readonly tickMs: Millis;
  readonly onTick: (tick: TickReport) => void;
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

  specs(ref: TriggerRef): Specs {
    const trigger = this.#parts.registry.check(ref);
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
      const inquiry = inquire(workload, this.#parts.sources, direct);
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
    onTick({
      seconds: (clock.now() - began) / 1000,
      workloads: inquiries.length,
      questions: asked + askedAlive,
    });
  }

  async #evaluateAll(inquiries: readonly [Workload, Inquiry][]): Promise<void> {
    await inSlices(inquiries, ([workload, inquiry]) => {
      try {
        this.#evaluate(workload, inquiry);
      } catch (error) {
        // A fault in one workload's evaluation is not the others': its last decision stands.
        this.#parts.onFault(workload.id, error);
      }
    });
  }

  #evaluated(workload: Workload): Promise<void> {
    const running =
      this.#first.get(workload) ?? this.#evaluateFirst(workload).finally(() => this.#first.delete(workload));
    this.#first.set(workload, running);
    return running;
  }

  /** A new workload takes what the last tick has read, and waits only for what nobody has asked yet. */
  async #evaluateFirst(workload: Workload): Promise<void> {
    const { clock, sources, tickMs } = this.#parts;
    const inquiry = inquire(workload, sources, this.#scrapable());
    const old = clock.now() - 2 * tickMs;
    const unknown = questionsOf(inquiry).filter(({ key }) => (this.#board.known(key)?.at ?? 0) < old);
    await this.#board.ask(unknown, FIRST_ANSWER_WITHIN);
    await this.#board.ask(this.#aliveQuestions(workload, inquiry), FIRST_PROOF_WITHIN);
    if (workload.decision === null) this.#evaluate(workload, inquiry);
  }

  #evaluate(workload: Workload, inquiry: Inquiry): void {
    const { clock, workloads, log } = this.#parts;
    const { policy } = workload.trigger;
    const now = clock.now();
    const observation = observe(workload, inquiry, this.#board, workloads, now);
    const { state, decision } = decide(workload.state, observation, policy, now);
    log?.append({
      trigger: workload.id,
      ...(workload.version === 0 ? { policy } : {}),
      now,
      observation,
      decision,
    });
    workload.state = state;
    workload.decision = decision;
    workload.version += 1;
    for (const listener of workload.listeners) listener(decision);
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

function questionsOf({ signals, wake }: Inquiry): Question[] {
  const asked: Asked[] = wake === null ? [...signals] : [...signals, wake];
  return asked.flatMap((each) => ('key' in each ? [each] : []));
}

function answerOf({ decision, trigger }: Workload): Answer {
  if (decision === null) return { kind: 'unavailable', why: 'not evaluated yet' };
  return { kind: 'decided', decision, specs: trigger.metricSpecs };
}

async function inSlices<T>(items: readonly T[], action: (item: T) => void): Promise<void> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await new Promise(setImmediate);
    for (const item of items.slice(from, from + SLICE)) action(item);
  }
}
