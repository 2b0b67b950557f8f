import type { Sample } from '../core/observation.js';
import type { MetricSeries } from '../ports/metric-source.js';
import type { ScaleTarget } from '../ports/workloads.js';

/** One answer of a source, ordered so that each workload finds its own series. */
export interface SeriesIndex {
  /** Whether the source has the metric for anybody. */
  readonly exists: boolean;
  pods(target: ScaleTarget, model: string | null): readonly Sample[];
  service(namespace: string, service: string): readonly Sample[];
  /** All of them, for answers that belong to one workload alone. */
  all(): readonly Sample[];
}

/** `NAME-<pod template hash>-<id>`: the two last words are Kubernetes' own. */
const DEPLOYMENT_POD = /^(.+)-[a-z0-9]{1,10}-[a-z0-9]{5}$/;
const STATEFULSET_POD = /^(.+)-\d+$/;

/**
 * Kubernetes cuts what stands before the five random characters to 58 (apiserver, names/generate.go), so that a deployment
 * whose name is long has pods without the last dash, and with only the beginning of the hash.
 */
const LONGEST_POD = 63;
const LONGEST_BASE = 58;
const CUT_BASE = /^(.+)-[a-z0-9]{0,10}$/;

/** The owners that a pod can have by its name, as `kind/namespace/name`. */
export function ownersOf(namespace: string, pod: string): string[] {
  const cut = pod.length === LONGEST_POD ? CUT_BASE.exec(pod.slice(0, LONGEST_BASE))?.[1] : undefined;
  const deployments = [DEPLOYMENT_POD.exec(pod)?.[1], cut].filter((name) => name !== undefined);
  const statefulset = STATEFULSET_POD.exec(pod)?.[1];
  return [
    ...deployments.map((name) => `deployment/${namespace}/${name}`),
    ...(statefulset === undefined ? [] : [`statefulset/${namespace}/${statefulset}`]),
  ];
}

/** So many series are put in order before the event loop gets its turn. */
const SLICE = 4000;

const none: readonly Sample[] = [];

/** Assigns series to owners by the names of their pods, a slice at a time so that calls are answered meanwhile. */
export async function indexSeries(series: readonly MetricSeries[]): Promise<SeriesIndex> {
  const owners = new Map<string, MetricSeries[]>();
  const add = (key: string, each: MetricSeries) => {
    const list = owners.get(key);
    if (list === undefined) owners.set(key, [each]);
    else list.push(each);
  };
  for (let from = 0; from < series.length; from += SLICE) {
    if (from > 0) await new Promise(setImmediate);
    for (const each of series.slice(from, from + SLICE)) {
      const { pod } = each.sample;
      if (pod === null) add(`service/${each.namespace}/${each.service ?? ''}`, each);
      else for (const owner of ownersOf(each.namespace, pod)) add(owner, each);
    }
  }
  const find = (key: string, model: string | null): readonly Sample[] => {
    const list = owners.get(key);
    if (list === undefined) return none;
    return (model === null ? list : list.filter((each) => each.model === model)).map((each) => each.sample);
  };
  return {
    exists: series.length > 0,
    pods: (target, model) => find(`${target.kind}/${target.namespace}/${target.name}`, model),
    all: () => series.map((each) => each.sample),
    service: (namespace, service) => find(`service/${namespace}/${service}`, null),
  };
}
