import type { Sample } from '../core/observation.js';
import type { MetricSeries } from '../ports/metric-source.js';
import type { ScaleTarget } from '../ports/workloads.js';
import { inSlices } from './slices.js';

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
  const deployment = DEPLOYMENT_POD.exec(pod)?.[1];
  const statefulset = STATEFULSET_POD.exec(pod)?.[1];
  const owners: string[] = [];
  if (deployment !== undefined) owners.push(`deployment/${namespace}/${deployment}`);
  if (cut !== undefined) owners.push(`deployment/${namespace}/${cut}`);
  if (statefulset !== undefined) owners.push(`statefulset/${namespace}/${statefulset}`);
  return owners;
}

/** Made once for each workload: a text that has been looked up before carries its hash. */
const keys = new WeakMap<ScaleTarget, string>();

function keyOf(target: ScaleTarget): string {
  const known = keys.get(target);
  if (known !== undefined) return known;
  const key = `${target.kind}/${target.namespace}/${target.name}`;
  keys.set(target, key);
  return key;
}

const none: readonly Sample[] = [];

interface Owned {
  /** Those of all models: what is nearly always asked for, so that it is ready to be handed out. */
  readonly samples: Sample[];
  /** Their models, by position. */
  readonly models: (string | null)[];
}

/** Assigns series to owners by the names of their pods, a slice at a time so that calls are answered meanwhile. */
export async function indexSeries(series: readonly MetricSeries[]): Promise<SeriesIndex> {
  const owners = new Map<string, Owned>();
  const add = (key: string, { sample, model }: MetricSeries) => {
    const owned = owners.get(key);
    if (owned === undefined) {
      owners.set(key, { samples: [sample], models: [model] });
    } else {
      owned.samples.push(sample);
      owned.models.push(model);
    }
  };
  await inSlices(series, (each) => {
    const { pod } = each.sample;
    if (pod === null) add(`service/${each.namespace}/${each.service ?? ''}`, each);
    else for (const owner of ownersOf(each.namespace, pod)) add(owner, each);
  });
  const find = (key: string, model: string | null): readonly Sample[] => {
    const owned = owners.get(key);
    if (owned === undefined) return none;
    return model === null ? owned.samples : owned.samples.filter((_, index) => owned.models[index] === model);
  };
  return {
    exists: series.length > 0,
    pods: (target, model) => find(keyOf(target), model),
    all: () => series.map((each) => each.sample),
    service: (namespace, service) => find(`service/${namespace}/${service}`, null),
  };
}
