import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkloadSummary, WorkloadViews } from '../ports/workload-views.js';

/** What the server counts about itself; names and labels are an interface that dashboards and alerts rely on. */
export interface ServerMetrics {
  rpc(method: string, outcome: string): void;
  tick(report: { readonly seconds: number; readonly questions: number }): void;
  render(): Promise<string>;
  readonly contentType: string;
}

export function createServerMetrics(views: WorkloadViews, streams: () => number): ServerMetrics {
  const registers = [new Registry()];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry as Registry });
  const rpcs = new Counter({
    name: 'pilotlight_rpcs_total',
    help: 'Calls from KEDA, by method and outcome (answered, invalid, unavailable).',
    labelNames: ['method', 'outcome'],
    registers,
  });
  const ticks = new Histogram({
    name: 'pilotlight_tick_duration_seconds',
    help: 'Duration of one evaluation of all workloads, waiting for sources included.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    registers,
  });
  const questions = new Gauge({
    name: 'pilotlight_tick_queries',
    help: 'Requests to sources in the last tick: one for each profile and source, whatever the number of workloads.',
    registers,
  });
  new Gauge({
    name: 'pilotlight_streams',
    help: 'Streams that KEDA holds open.',
    registers,
    collect() {
      this.set(streams());
    },
  });
  addWorkloadMetrics(views, registers);
  addAbsentSignals(views, registers);
  return {
    rpc: (method, outcome) => rpcs.inc({ method, outcome }),
    tick: (report) => {
      ticks.observe(report.seconds);
      questions.set(report.questions);
    },
    render: async () => (await registry?.metrics()) ?? '',
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
  };
}

const WORKLOAD_LABELS = ['namespace', 'scaledobject', 'trigger'] as const;

function labelsOf({
  id,
  namespace,
  name,
}: WorkloadSummary): Record<(typeof WORKLOAD_LABELS)[number], string> {
  return { namespace, scaledobject: name, trigger: id.split('/')[2] ?? '' };
}

/** Read from the decisions at each scrape, so that a forgotten workload leaves no series behind. */
function addWorkloadMetrics(views: WorkloadViews, registers: Registry[]): void {
  const gauge = (name: string, help: string, value: (view: WorkloadSummary) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: WORKLOAD_LABELS,
      registers,
      collect() {
        this.reset();
        for (const view of views.all()) {
          const known = view.decision === null ? null : value(view);
          if (known !== null) this.set(labelsOf(view), known);
        }
      },
    });
  gauge(
    'pilotlight_desired_replicas',
    'Replicas that the last decision wants.',
    (view) => view.decision?.desired ?? 0,
  );
  gauge('pilotlight_replicas', 'Replicas as far as known.', (view) => view.decision?.replicas.current ?? 0);
  gauge('pilotlight_active', '1 when KEDA is told that the workload is active.', (view) =>
    Number(view.decision?.active),
  );
  gauge('pilotlight_blind', '1 when there is no fresh data where there should be.', (view) =>
    Number(view.decision?.verdict !== 'fresh'),
  );
  gauge(
    'pilotlight_forecast_replicas',
    'Replicas that the forecast asks for; no series while there is none.',
    (view) => view.forecast?.forecast?.replicas ?? null,
  );
  gauge(
    'pilotlight_forecast_chance_ratio',
    'How likely the last replica of the forecast is needed before another could be ready, 0 to 1.',
    (view) => view.forecast?.forecast?.chance ?? null,
  );
  gauge(
    'pilotlight_forecast_beats_seen',
    'Beats of 15 s of load that the forecast has seen; no series where the trigger wants none.',
    (view) => view.forecast?.beats ?? null,
  );
}

function addAbsentSignals(views: WorkloadViews, registers: Registry[]): void {
  new Gauge({
    name: 'pilotlight_signal_absent',
    help: '1 for a signal that the last decision found no data of; no series for the others.',
    labelNames: [...WORKLOAD_LABELS, 'profile', 'role'],
    registers,
    collect() {
      this.reset();
      for (const view of views.all())
        for (const { profile, role, evidence } of view.decision?.signals ?? [])
          if (evidence === 'absent') this.set({ ...labelsOf(view), profile, role }, 1);
    },
  });
}
