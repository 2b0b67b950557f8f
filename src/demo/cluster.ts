import type { ScrapeTarget, ScrapeTargets } from '../ports/scrape-targets.js';
import { openEndpoint, type Endpoint } from './endpoints.js';
import { dcgmPage, gatewayPage } from './expositions.js';
import { collect, COLLECT_EVERY, NOTHING_COLLECTED } from './gpu-exporter.js';
import { SimulatedDeployment } from './deployment.js';
import { STEPS_PER_SECOND } from './simulation.js';
import type { StoryClock } from './story-clock.js';
import type { Story } from './story.js';
import { NAMESPACE, type DemoWorkload } from './workloads.js';

/** Real milliseconds between two looks at the clock: pods come and go in time although nobody scrapes them. */
const ADVANCE_EVERY = 50;

export interface Cluster {
  readonly deployments: readonly SimulatedDeployment[];
  /** The pods that serve, and the two exporters. */
  readonly targets: ScrapeTargets;
  /** Brings the simulation up to the clock. */
  advance(): void;
  close(): void;
}

/**
 * The simulated deployments, the DCGM exporter and the gateway in front, with their endpoints on loopback.
 *
 * @param fail told when an endpoint cannot be opened
 */
export async function openCluster(
  workloads: readonly DemoWorkload[],
  story: Story,
  clock: StoryClock,
  fail: (error: Error) => void,
): Promise<Cluster> {
  const deployments = workloads.map((workload) => new SimulatedDeployment(workload, story, fail));
  let collection = NOTHING_COLLECTED;
  let now = 0;

  function advance(): void {
    const until = Math.floor(clock.seconds() * STEPS_PER_SECOND);
    for (; now < until; now += 1) {
      for (const deployment of deployments) deployment.step();
      if ((now + 1) % COLLECT_EVERY === 0) collection = collect(collection, holders(deployments), now + 1);
    }
    for (const deployment of deployments) deployment.settle();
  }

  const exporters = await Promise.all([
    openEndpoint(() => dcgmPage(collection.gpus)),
    openEndpoint(() => gatewayPage(deployments.map((deployment) => deployment.gatewayCount()))),
  ]);
  const [dcgm, gateway] = exporters;
  const timer = setInterval(advance, ADVANCE_EVERY);
  return {
    deployments,
    targets: {
      list() {
        // A scrape begins: the pages show this moment, and not one that differs by as much as each takes to be sent.
        // 10 ms of real time are 0.5 s of a story at 50 times real time, and rates are over a few seconds.
        advance();
        return [
          exporter('dcgm', dcgm),
          exporter('gateway', gateway),
          ...deployments.flatMap((deployment) => deployment.targets()),
        ];
      },
    },
    advance,
    close() {
      clearInterval(timer);
      for (const endpoint of exporters) endpoint.close();
      for (const deployment of deployments) deployment.close();
    },
  };
}

function exporter(name: string, { url }: Endpoint): ScrapeTarget {
  return { kind: 'exporter', exporter: name, url };
}

function holders(deployments: readonly SimulatedDeployment[]): Parameters<typeof collect>[1] {
  return deployments.flatMap(({ workload, service }) =>
    service.pods.map((pod) => ({ pod, namespace: NAMESPACE, container: workload.server })),
  );
}
