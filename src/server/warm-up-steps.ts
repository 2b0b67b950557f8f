import type { Decision } from '../core/decision.js';
import { SECOND, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets, ServerAddress } from '../ports/scrape-targets.js';
import type { WarmUp } from '../ports/warm-up.js';
import type { WarmUpSteps } from '../ports/warm-up-steps.js';
import { stepsWithoutCluster } from '../warmup/steps/no-cluster.js';
import { warmModelOver, type ModelServer, type ModelServers } from '../warmup/steps/warm-model.js';
import type { Registry } from './registry.js';
import { scaledObjectName } from './scaled-object-name.js';
import { ownersOf } from './series-index.js';
import type { Workload } from './workload.js';

/** Just before it would count as late. */
const BEFORE_LATE: Millis = SECOND;

interface Parts {
  readonly registry: Pick<Registry, 'named'>;
  readonly targets: ScrapeTargets;
  readonly clock: Clock;
  /** Null: there is no access to the cluster. */
  readonly nodes: Pick<WarmUpSteps, 'holdNodes' | 'releaseNodes'> | null;
}

/** The steps of warm-ups; without access to the cluster ready is what the signals show. */
export function warmUpSteps({ registry, targets, clock, nodes }: Parts): WarmUpSteps {
  const find = (workload: string) => triggersOf(workload, registry);
  const warmModel = warmModelOver({ serversOf: (workload) => serversOf(find(workload), targets) });
  const steps = stepsWithoutCluster({
    readyReplicas: (workload) => readyIn(find(workload)),
    warmModel,
    clock,
  });
  return {
    ...steps,
    ...nodes,
    async waitReady(warmUp, context) {
      const counted = new AbortController();
      const either = AbortSignal.any([context.signal, counted.signal]);
      const waiting = steps.waitReady(warmUp, { ...context, signal: either });
      const untold = whileUntold(() => nobodyCounts(find(warmUp.workload)), warmUp, clock, either);
      try {
        return await Promise.race([waiting, untold]);
      } finally {
        counted.abort();
        await Promise.allSettled([waiting, untold]);
      }
    },
  };
}

/** The triggers that a warm-up's `namespace/name` or `namespace/name/digest` stands for, of those that KEDA asks about here. */
export function triggersOf(workload: string, registry: Pick<Registry, 'named'>): readonly Workload[] {
  const { namespace, name, digest } = scaledObjectName(workload);
  const named = registry.named(namespace, name);
  return digest === undefined ? named : named.filter(({ id }) => id === workload);
}

/** Those that Kubernetes calls ready, where it is asked; else those with fresh data. */
export function readyReplicas({ replicas }: Decision): number {
  return replicas.source === 'cluster' ? replicas.reporting + replicas.missing : replicas.reporting;
}

/** Null where none of them has fresh data of its pods. */
function readyIn(triggers: readonly Workload[]): number | null {
  const known = triggers.flatMap(({ decision }) =>
    decision === null || decision.verdict !== 'fresh' ? [] : [readyReplicas(decision)],
  );
  return known.length === 0 ? null : Math.max(...known);
}

/** Why readiness will not show here; null where it will. */
function nobodyCounts(triggers: readonly Workload[]): string | null {
  if (triggers.length === 0) return 'KEDA does not ask this scaler replica about it';
  const counted = triggers.some(
    ({ trigger, decision }) =>
      decision?.replicas.source === 'cluster' || trigger.profiles.some(({ series }) => series === 'pod'),
  );
  return counted ? null : 'its signals name no pods';
}

/**
 * A warm-up of which nobody can tell whether it is ready is not given up for that: it is taken for ready when its time has
 * come, and says so.
 */
async function whileUntold(
  why: () => string | null,
  { readyBy }: WarmUp,
  clock: Clock,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<WarmUpSteps['waitReady']>>> {
  for (;;) {
    const said = why();
    if (said !== null && clock.now() >= readyBy - BEFORE_LATE)
      return { outcome: 'nothing', note: `${said}: taken for ready at its time`, split: {} };
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', leave);
        resolve();
      }, 250);
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
    });
  }
}

/** The pods' own servers, at addresses that the operator gave. */
function serversOf(triggers: readonly Workload[], targets: ScrapeTargets): ModelServers {
  const [workload] = triggers;
  if (workload === undefined) return { kind: 'none', why: 'KEDA does not ask this scaler replica about it' };
  const { kind, namespace, name } = workload.target;
  const owner = `${kind}/${namespace}/${name}`;
  const { model } = workload.trigger;
  const servers = new Map<string, ModelServer>();
  for (const target of targets.list()) {
    if (target.kind !== 'pod' || target.server === undefined) continue;
    if (!ownersOf(target.namespace, target.pod).includes(owner)) continue;
    const server = serverAt(target.server, model);
    if (typeof server === 'string') return { kind: 'none', why: server };
    servers.set(server.url, server);
  }
  if (servers.size > 0) return { kind: 'servers', servers: [...servers.values()] };
  return { kind: 'none', why: 'no scrape target of its pods says which model server it is (label engine)' };
}

function serverAt({ engine, url }: ServerAddress, model: string | null): ModelServer | string {
  switch (engine) {
    case 'triton':
      return model === null
        ? 'the trigger names no model that Triton could load'
        : { engine, url, model, infer: null };
    case 'tgi':
      return { engine, url };
    case 'vllm':
      return { engine, url, model };
  }
}
