import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../ports/clock.js';
import type { LedgerRecord } from '../ports/ledger.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';

/** What the server counts of its warm-ups; names and labels are an interface that dashboards and alerts rely on. */
export interface WarmUpMetrics {
  /** One ended. Each scaler replica sees all that end on its store while it runs. */
  ended(record: LedgerRecord): void;
  render(): Promise<string>;
}

export function createWarmUpMetrics(desk: WarmUpDesk, clock: Clock): WarmUpMetrics {
  const registers = [new Registry()];
  const [registry] = registers;
  addStoreMetrics(desk, clock, registers);
  addPhases(desk, registers);
  const each = 'of a store that several scaler replicas share each of them counts all';
  const ended = new Counter({
    name: 'pilotlight_warm_ups_ended_total',
    help: `Warm-ups that ended after they had begun, by who wanted them and outcome (used, wasted, late, failed, cancelled); ${each}.`,
    labelNames: ['source', 'outcome'],
    registers,
  });
  const lateness = new Histogram({
    name: 'pilotlight_warm_up_lateness_seconds',
    help: 'From the moment a warm-up was promised for until it was ready: 0 for those that were in time.',
    buckets: [0, 5, 15, 30, 60, 120, 300, 600],
    registers,
  });
  const spent = new Counter({
    name: 'pilotlight_warm_up_gpu_seconds_ahead_total',
    help: 'GPU-seconds of ready replicas that nobody wanted yet, of warm-ups that ended.',
    registers,
  });
  const avoided = new Counter({
    name: 'pilotlight_warm_up_waiting_avoided_replica_seconds_total',
    help: 'Capacity that the load would have lacked without the warm-ups that ended.',
    registers,
  });
  return {
    ended({ source, outcome, readyBy, readyAt, gpuSecondsAhead, waitingAvoided }) {
      ended.inc({ source, outcome });
      if (readyAt !== null) lateness.observe(Math.max(0, (readyAt - readyBy) / 1000));
      spent.inc(Math.max(0, gpuSecondsAhead));
      avoided.inc(Math.max(0, waitingAvoided));
    },
    render: async () => (await registry?.metrics()) ?? '',
  };
}

function addStoreMetrics(desk: WarmUpDesk, clock: Clock, registers: Registry[]): void {
  new Gauge({
    name: 'pilotlight_warm_up_store_up',
    help: '1 when the warm-up store is open and answers, 0 when it does not; no series where warm-ups are off.',
    registers,
    collect() {
      const store = desk.store();
      if (store.kind === 'off') this.remove();
      else this.set(store.kind === 'open' && store.health.kind === 'current' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'pilotlight_floors_stale_seconds',
    help: 'For how long the store has not said which floors hold; 0 while it does.',
    registers,
    collect() {
      const store = desk.store();
      const stale = store.kind === 'open' && store.health.kind === 'stale' ? store.health : null;
      this.set(stale === null ? 0 : Math.max(0, (clock.now() - stale.since) / 1000));
    },
  });
}

function addPhases(desk: WarmUpDesk, registers: Registry[]): void {
  new Gauge({
    name: 'pilotlight_warm_ups',
    help: 'Warm-ups to come and under way, by phase (planned, begun, holding).',
    labelNames: ['phase'],
    registers,
    collect() {
      const known = desk.known();
      for (const phase of ['planned', 'begun', 'holding'] as const)
        this.set({ phase }, known.filter((each) => each.phase === phase).length);
    },
  });
  new Gauge({
    name: 'pilotlight_warm_ups_late',
    help: 'Warm-ups under way that were not ready when they were promised.',
    registers,
    collect() {
      this.set(desk.known().filter(({ late }) => late).length);
    },
  });
}
