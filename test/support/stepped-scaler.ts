import type { ScrapeTargets } from '../../src/ports/scrape-targets.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Cluster } from '../../src/ports/cluster.js';
import type { DecisionLog } from '../../src/ports/decision-log.js';
import { startGrpcServer } from '../../src/keda/server.js';
import { permissionsOf } from '../../src/server/permissions.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import { Scaler } from '../../src/server/scaler.js';
import { resolveSettings, type Settings } from '../../src/server/settings.js';
import { openSources } from '../../src/server/sources.js';
import { connectKeda, type KedaClient } from './keda-client.js';

export interface SteppedScaler {
  readonly registry: Registry;
  readonly scaler: Scaler;
  readonly keda: KedaClient;
  stop(): Promise<void>;
}

/** The server's parts without its timers: the test says when a tick is, and what time it is. */
export async function stepByHand(
  flags: Partial<Settings>,
  parts: {
    readonly clock?: Clock;
    readonly targets?: ScrapeTargets;
    readonly tickMs?: number;
    readonly cluster?: Cluster;
    readonly log?: DecisionLog;
  } = {},
): Promise<SteppedScaler> {
  const { clock = { now: () => Date.now() }, targets, tickMs = 5000, cluster } = parts;
  const settings = resolveSettings({ flags, environment: {}, file: null });
  const registry = new Registry(loadProfiles(settings.scalers), permissionsOf(settings), clock);
  const sources = openSources(settings, targets ?? null, clock);
  const scaler = new Scaler({
    registry,
    sources,
    targets: targets ?? { list: () => [] },
    workloads: cluster ?? { replicas: () => null },
    scaledObjectOf: ({ namespace, name }) => cluster?.scaledObject(namespace, name) ?? null,
    log: parts.log ?? null,
    clock,
    tickMs,
    onTick: () => undefined,
    onFault: (workload, error) => {
      throw new Error(workload, { cause: error });
    },
  });
  const grpc = await startGrpcServer(scaler, {
    listen: '127.0.0.1:0',
    tls: null,
    reflection: false,
    onCall: () => undefined,
    onProblem: () => undefined,
  });
  const keda = connectKeda(grpc.port);
  return {
    registry,
    scaler,
    keda,
    async stop() {
      keda.close();
      await grpc.drain(500);
      sources.close();
    },
  };
}
