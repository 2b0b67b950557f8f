import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/ports/clock.js';
import type { WarmUp } from '../../src/ports/warm-up.js';
import type { StepContext, StepResult, WarmUpSteps } from '../../src/ports/warm-up-steps.js';
import { warmUpId } from '../../src/warmup/identity.js';
import type { Limits } from '../../src/warmup/limits.js';
import type { Log } from '../../src/warmup/log.js';
import { openWarmUps, type WarmUpParts, type WarmUps } from '../../src/warmup/open.js';
import { pause } from '../../src/warmup/pause.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

/** Seconds become tens of milliseconds, so that a test of minutes takes a few seconds. */
export const QUICK: Partial<Limits> = {
  backOff: 50,
  longestBackOff: 400,
  leastPatience: 2500,
  patienceInLeadTimes: 0,
  lease: 2000,
  sweep: 300,
  refresh: 50,
  turn: 100,
  checkpoint: 100,
  tries: 3,
};

/** The real time, moved at will. */
export class MovableClock implements Clock {
  offset = 0;
  now(): number {
    return Date.now() + this.offset;
  }
}

let slots = 0;

/** Begins now, ready in a second, held for three, unless told otherwise. Moments are relative to now. */
export function warmUp(
  change: Partial<Omit<WarmUp, 'id'>> & { in?: number; hold?: number } = {},
  now = Date.now(),
): WarmUp {
  slots += 1;
  const { in: begins = 0, hold = 3000, ...rest } = change;
  const workload = rest.workload ?? 'ml/chat/aaa';
  const slot = rest.slot ?? slots * 60_000;
  const startAt = rest.startAt ?? now + begins;
  const base: WarmUp = {
    id: warmUpId(workload, slot),
    workload,
    slot,
    replicas: 3,
    startAt,
    readyBy: startAt + 1000,
    holdUntil: startAt + hold,
    leadTime: 1000,
    why: 'forecast of 3 replicas',
    source: 'forecast',
    expectedCost: 9,
    gpusPerReplica: 1,
    nodePool: null,
  };
  return { ...base, ...rest };
}

export interface Act {
  readonly step: string;
  readonly id: string;
  readonly workload: string;
  readonly began: number;
  ended: number | null;
}

/** Steps that note what they did, and do what a test wants. Ready at once unless told otherwise. */
export class RecordedSteps implements WarmUpSteps {
  readonly acts: Act[] = [];
  readonly released: string[] = [];
  nodes: (warmUp: WarmUp, context: StepContext) => Promise<void> = () => Promise.resolve();
  ready: (warmUp: WarmUp, context: StepContext) => Promise<void> = () => Promise.resolve();
  model: (warmUp: WarmUp, context: StepContext) => Promise<void> = () => Promise.resolve();

  holdNodes(warmUp: WarmUp, context: StepContext): Promise<StepResult> {
    return this.#act('nodes', warmUp, () => this.nodes(warmUp, context));
  }

  waitReady(warmUp: WarmUp, context: StepContext): Promise<StepResult> {
    return this.#act('ready', warmUp, () => this.ready(warmUp, context));
  }

  warmModel(warmUp: WarmUp, context: StepContext): Promise<StepResult> {
    return this.#act('model', warmUp, () => this.model(warmUp, context));
  }

  releaseNodes({ id }: WarmUp): Promise<void> {
    this.released.push(id);
    return Promise.resolve();
  }

  of(id: string): string[] {
    return this.acts.filter((act) => act.id === id).map(({ step }) => step);
  }

  async #act(step: string, { id, workload }: WarmUp, work: () => Promise<void>): Promise<StepResult> {
    const act: Act = { step, id, workload, began: Date.now(), ended: null };
    this.acts.push(act);
    try {
      await work();
      return { outcome: 'done', note: `${step} as a test wants it`, split: {} };
    } finally {
      act.ended = Date.now();
    }
  }
}

/** A step that ends only when its signal aborts. */
export async function forever(_warmUp: WarmUp, { signal }: StepContext): Promise<void> {
  for (;;) await pause(1000, signal);
}

export class NotedLog implements Log {
  readonly lines: string[] = [];
  info(details: object, message: string): void {
    this.lines.push(`info ${message} ${JSON.stringify(details)}`);
  }
  warn(details: object, message: string): void {
    this.lines.push(`warn ${message} ${JSON.stringify(details)}`);
  }
  error(details: object, message: string): void {
    this.lines.push(`error ${message} ${JSON.stringify(details)}`);
  }
}

export interface Opened {
  readonly warmUps: WarmUps;
  readonly steps: RecordedSteps;
  readonly log: NotedLog;
}

/** Somewhere to keep warm-ups, and as many scaler processes on it as a test opens. */
export interface Bench {
  readonly name: string;
  /** Whether several processes may share it. */
  readonly shared: boolean;
  open(parts?: Partial<WarmUpParts>): Promise<Opened>;
  /** Closes all that was opened, and what they were kept in. */
  stop(): Promise<void>;
}

export async function redisBench(): Promise<Bench & { readonly redis: RedisServer }> {
  const redis = await startRedis();
  return { ...benchOver('Redis', true, { redisUrl: redis.url, stateDir: null }, () => redis.stop()), redis };
}

export function embeddedBench(embedded: 'redis-server' | 'pglite'): Bench & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-w-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return {
    ...benchOver(embedded, false, { redisUrl: null, stateDir: folder, embedded }, () =>
      Promise.resolve(remove()),
    ),
    folder,
  };
}

function benchOver(
  name: string,
  shared: boolean,
  place: Pick<WarmUpParts, 'redisUrl' | 'stateDir' | 'embedded'>,
  stop: () => Promise<void>,
): Bench {
  const opened: WarmUps[] = [];
  return {
    name,
    shared,
    async open(parts = {}) {
      const steps = new RecordedSteps();
      const log = new NotedLog();
      const clock = { now: () => Date.now() };
      const limits = { ...QUICK, ...parts.limits };
      const warmUps = await openWarmUps({ clock, log, steps, ...place, ...parts, limits });
      opened.push(warmUps);
      return { warmUps, steps, log };
    },
    async stop() {
      for (const each of opened) await each.close();
      await stop();
    },
  };
}
