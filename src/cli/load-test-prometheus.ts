import type { Profile } from '../policy/profile.js';
import { clusterQuery, PART_LABEL } from '../policy/promql.js';
import { stepsFrom, type Measurements } from '../replay/calibrate/measurements.js';
import { serverQueries, type ServerQueries } from '../replay/calibrate/server-queries.js';
import type { LoadTest } from '../replay/calibrate/step.js';
import { isInFlight } from '../replay/calibrate/targets.js';
import type { Range } from '../replay/pilotlight/prometheus-range.js';
import { ownersOf } from '../server/series-index.js';
import { UsageError } from './command.js';
import { faultsAsUsage } from './load-test-files.js';
import type { RangeReader, RangeSeries } from './prometheus-range.js';

/** Which replica was tested, and how its load test is to be read. */
export interface Tested {
  readonly namespace: string;
  /** `deployment/NAME` or `statefulset/NAME`. */
  readonly workload: string;
  readonly model: string | null;
  /** Where several replicas ran and one was tested. */
  readonly pod: string | null;
  /** Seconds that rates look back. */
  readonly window: number;
  /** Seconds that a step lasts at least, beyond the window. */
  readonly least: number;
}

type Column = (number | null)[];

/**
 * A load test as Prometheus saw it: requests and times by the server's own counters, and every profile that has data
 * for the pod, by the profile's own query.
 *
 * @throws UsageError when there is nothing to read, or more than one replica served
 */
export async function loadTestFrom(
  reader: RangeReader,
  range: Range,
  tested: Tested,
  profiles: readonly Profile[],
): Promise<LoadTest> {
  const found = await servedBy(reader, tested);
  const pod = onlyPod(found.series, tested);
  const times = timesOf(range);
  const column = async (promql: string) => valuesAt(times, await reader.read(promql), { ...tested, pod });
  const signals: Record<string, Column> = {};
  for (const profile of profiles) {
    const values = await signalOf(reader, profile, times, { ...tested, pod });
    if (values !== null) signals[profile.name] = values;
  }
  const gauge = profiles.find((profile) => isInFlight(profile) && profile.name in signals);
  const { queries } = found;
  const measurements: Measurements = {
    t: times,
    throughput: valuesAt(times, found.series, { ...tested, pod }),
    mean: await column(queries.mean),
    p99: await column(queries.p99),
    queue: await column(queries.queue),
    service: await column(queries.service),
    inFlight: gauge === undefined ? times.map(() => null) : (signals[gauge.name] ?? []),
    signals,
  };
  const place = `${tested.namespace}/${pod}`;
  return faultsAsUsage(() => stepsFrom(measurements, place, queries.server, tested));
}

/** The first server whose counters have the workload. */
async function servedBy(
  reader: RangeReader,
  tested: Tested,
): Promise<{ queries: ServerQueries; series: RangeSeries[] }> {
  const all = serverQueries(`${tested.window}s`, tested.model);
  for (const queries of all) {
    const series = (await reader.read(queries.throughput)).filter((each) => isOf(each, tested));
    if (series.some(hasLoad)) return { queries, series };
  }
  const who = `${tested.workload} in ${tested.namespace}`;
  const servers = all.map(({ server }) => server).join(', ');
  throw new UsageError(
    `no requests of ${who} between --from and --to, by the counters of ${servers}; check the names, or give a CSV of steps`,
  );
}

function isOf({ labels }: RangeSeries, { namespace, workload, pod }: Tested): boolean {
  const [name, kind] = [labels['pod'] ?? '', workload.split('/')];
  if (labels['namespace'] !== namespace || (pod !== null && pod !== name)) return false;
  return pod !== null || ownersOf(namespace, name).includes(`${kind[0] ?? ''}/${namespace}/${kind[1] ?? ''}`);
}

function hasLoad({ points }: RangeSeries): boolean {
  return [...points.values()].some((value) => value > 0);
}

/** Targets are per replica, so what is measured has to be one. */
function onlyPod(series: readonly RangeSeries[], { workload }: Tested): string {
  const pods = [...new Set(series.filter(hasLoad).map(({ labels }) => labels['pod'] ?? ''))];
  const [pod = ''] = pods;
  if (pods.length === 1) return pod;
  throw new UsageError(
    `${pods.length} replicas of ${workload} served (${pods.slice(0, 3).join(', ')}): test one, or name it with --pod`,
  );
}

/** Null for a profile that is not of pods, has no query of its own, or no data for this one. */
async function signalOf(
  reader: RangeReader,
  profile: Profile,
  times: readonly number[],
  tested: Tested,
): Promise<Column | null> {
  if (profile.series !== 'pod' || !('value' in profile.prometheus)) return null;
  const byModel = tested.model !== null && profile.model !== undefined;
  const series = await reader.read(clusterQuery(profile, profile.prometheus, byModel, `${tested.window}s`));
  const values = series.filter(
    ({ labels }) =>
      labels[PART_LABEL] === 'value' && (!byModel || labels[profile.model ?? ''] === tested.model),
  );
  const column = valuesAt(times, values, tested);
  return column.every((value) => value === null) ? null : column;
}

function timesOf({ from, to, step }: Range): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function valuesAt(times: readonly number[], series: readonly RangeSeries[], tested: Tested): Column {
  const own = series.find((each) => isOf(each, tested));
  return times.map((t) => own?.points.get(t) ?? null);
}
