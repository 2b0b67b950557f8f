import { Gauge, Registry } from 'prom-client';
import type { ClusterDesk } from '../ports/cluster-desk.js';

/** What the cluster says, for dashboards and alerts: names and labels are an interface. No series without access. */
export interface ClusterMetrics {
  render(): Promise<string>;
}

/** Read at each scrape, so that what is gone leaves no series behind. */
export function createClusterMetrics(desk: ClusterDesk): ClusterMetrics {
  const registers = [new Registry()];
  const [registry] = registers;
  addHealth(desk, registers);
  addShares(desk, registers);
  addMoney(desk, registers);
  return { render: async () => (await registry?.metrics()) ?? '' };
}

function addHealth(desk: ClusterDesk, registers: Registry[]): void {
  new Gauge({
    name: 'pilotlight_cluster_current',
    help: '1 when all that decisions need of the cluster is known and kept up to date; no series without access.',
    registers,
    collect() {
      this.reset();
      const health = desk.health();
      if (health === null) this.remove();
      else this.set(Number(health.kind === 'current'));
    },
  });
  new Gauge({
    name: 'pilotlight_cluster_watch_current',
    help: '1 when this watch is kept up to date; the namespace is empty for a watch of the whole cluster.',
    labelNames: ['resource', 'watched_namespace'],
    registers,
    collect() {
      this.reset();
      for (const { resource, namespace, health } of desk.health()?.watches ?? [])
        this.set({ resource, watched_namespace: namespace ?? '' }, Number(health.kind === 'current'));
    },
  });
}

function addShares(desk: ClusterDesk, registers: Registry[]): void {
  const gauge = (name: string, help: string, of: 'wanted' | 'granted') =>
    new Gauge({
      name,
      help,
      labelNames: ['namespace', 'scaledobject'],
      registers,
      collect() {
        this.reset();
        for (const share of desk.shares())
          this.set({ namespace: share.namespace, scaledobject: share.name }, share[of]);
      },
    });
  gauge('pilotlight_wanted_replicas', 'Replicas wanted, before GPUs and budgets are shared out.', 'wanted');
  gauge('pilotlight_granted_replicas', 'Replicas there are GPUs and money for.', 'granted');
}

function addMoney(desk: ClusterDesk, registers: Registry[]): void {
  new Gauge({
    name: 'pilotlight_money_per_hour',
    help: 'What the GPUs of a namespace cost per hour, where nodes have prices.',
    labelNames: ['namespace', 'currency'],
    registers,
    collect() {
      this.reset();
      const money = desk.money();
      for (const [namespace, amount] of money?.namespaces ?? [])
        this.set({ namespace, currency: money?.currency ?? '' }, amount);
    },
  });
  new Gauge({
    name: 'pilotlight_gpu_nodes_money_per_hour',
    help: 'What GPU nodes cost per hour: all (total), held by placeholders (held), of GPUs that nobody has (idle).',
    labelNames: ['part', 'currency'],
    registers,
    collect() {
      this.reset();
      const money = desk.money();
      if (money === null) return;
      for (const part of ['total', 'held', 'idle'] as const)
        this.set({ part, currency: money.currency }, money[part]);
    },
  });
  new Gauge({
    name: 'pilotlight_gpu_nodes_unpriced',
    help: 'GPU nodes whose price is not known: they are in none of the sums.',
    registers,
    collect() {
      this.reset();
      const money = desk.money();
      if (money === null) this.remove();
      else this.set(money.unpriced);
    },
  });
}
