import { setImmediate } from 'node:timers/promises';
import { SECOND, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import type { ClusterHealth } from '../ports/cluster.js';
import type { ClusterDesk, ScaledObjectFigures } from '../ports/cluster-desk.js';
import { labelText, TextGauge } from './text-gauge.js';

/** What the cluster says, for dashboards and alerts: names and labels are an interface. No series without access. */
export interface ClusterMetrics {
  render(): Promise<string>;
}

/** So many ScaledObjects take milliseconds; then calls from KEDA have their turn. */
const AT_ONCE = 200;

export function createClusterMetrics(desk: ClusterDesk, clock: Clock): ClusterMetrics {
  return {
    async render() {
      const objects = new ScaledObjectGauges();
      let count = 0;
      for (const figures of desk.scaledObjects()) {
        objects.add(figures);
        count += 1;
        if (count % AT_ONCE === 0) await setImmediate();
      }
      const others = [
        ...healthGauges(desk.health(), clock.now()),
        featureGauge(desk),
        ...shareGauges(desk),
        ...moneyGauges(desk),
        ...budgetGauges(desk),
      ];
      return [...others, ...objects.all].map((gauge) => gauge.text()).join('');
    },
  };
}

function healthGauges(health: ClusterHealth | null, now: Millis): TextGauge[] {
  const current = new TextGauge(
    'pilotlight_cluster_current',
    '1 when all that decisions need of the cluster is known and kept up to date; no series without access.',
  );
  const stale = new TextGauge(
    'pilotlight_cluster_stale_seconds',
    'For how long something that decisions need of the cluster has not been kept up to date; 0 while all is.',
  );
  const watch = new TextGauge(
    'pilotlight_cluster_watch_current',
    '1 when this watch is kept up to date; the namespace is empty for a watch of the whole cluster.',
  );
  if (health !== null) {
    current.set('', Number(health.kind === 'current'));
    stale.set('', staleFor(health, now) / SECOND);
    for (const { resource, namespace, health: of } of health.watches)
      watch.set(labelText({ resource, watched_namespace: namespace ?? '' }), Number(of.kind === 'current'));
  }
  return [current, stale, watch];
}

function staleFor({ watches }: ClusterHealth, now: Millis): Millis {
  const ages = watches.flatMap(({ needed, health }) =>
    needed && health.kind !== 'current' ? [now - health.since] : [],
  );
  return Math.max(0, ...ages);
}

function featureGauge(desk: ClusterDesk): TextGauge {
  const allowed = new TextGauge(
    'pilotlight_cluster_feature_allowed',
    '1 for what is switched on and changes the cluster; 0 where it lacks a right, which the log names.',
  );
  for (const { feature, why } of desk.features()) allowed.set(labelText({ feature }), Number(why === null));
  return allowed;
}

function shareGauges(desk: ClusterDesk): TextGauge[] {
  const wanted = new TextGauge(
    'pilotlight_wanted_replicas',
    'Replicas wanted, before GPUs and budgets are shared out.',
  );
  const granted = new TextGauge('pilotlight_granted_replicas', 'Replicas there are GPUs and money for.');
  for (const share of desk.shares()) {
    const labels = objectText(share);
    wanted.set(labels, share.wanted);
    granted.set(labels, share.granted);
  }
  return [wanted, granted];
}

function moneyGauges(desk: ClusterDesk): TextGauge[] {
  const spent = new TextGauge(
    'pilotlight_money_per_hour',
    'What the GPUs of a namespace cost per hour, where nodes have prices.',
  );
  const nodes = new TextGauge(
    'pilotlight_gpu_nodes_money_per_hour',
    'What GPU nodes cost per hour: all (total), held by placeholders (held), of GPUs that nobody has (idle).',
  );
  const unpriced = new TextGauge(
    'pilotlight_gpu_nodes_unpriced',
    'GPU nodes whose price is not known: they are in none of the sums.',
  );
  const money = desk.money();
  if (money !== null) {
    const { currency } = money;
    for (const [namespace, amount] of money.namespaces) spent.set(labelText({ namespace, currency }), amount);
    for (const part of ['total', 'held', 'idle'] as const)
      nodes.set(labelText({ part, currency }), money[part]);
    unpriced.set('', money.unpriced);
  }
  return [spent, nodes, unpriced];
}

function budgetGauges(desk: ClusterDesk): TextGauge[] {
  const budget = new TextGauge(
    'pilotlight_budget_money_per_hour',
    'What a namespace may cost per hour, beside pilotlight_money_per_hour, which it does cost.',
  );
  const cut = new TextGauge(
    'pilotlight_budget_cut_replicas',
    'Replicas that the budget of a namespace cuts now, of workloads whose price is known.',
  );
  for (const { namespace, currency, budget: amount, cut: replicas } of desk.budgets()) {
    budget.set(labelText({ namespace, currency }), amount);
    cut.set(labelText({ namespace }), replicas);
  }
  return [budget, cut];
}

/** Those that have a series for each ScaledObject. */
class ScaledObjectGauges {
  readonly #perHour = new TextGauge(
    'pilotlight_workload_money_per_hour',
    'What the replicas of a ScaledObject cost per hour now; those on nodes without a price are not in it.',
  );
  readonly #alwaysOn = new TextGauge(
    'pilotlight_workload_always_on_money_per_hour',
    'What its most replicas would cost per hour, all the time.',
  );
  readonly #perThousand = new TextGauge(
    'pilotlight_money_per_thousand_inferences',
    'Money now for a thousand requests as served over five minutes; no series while either is not all known.',
  );
  readonly #waiting = new TextGauge(
    'pilotlight_waiting_replicas',
    'Replicas that are not ready, by what they wait for.',
  );
  readonly #starts = new TextGauge(
    'pilotlight_start_seconds',
    'From creation of a pod until it is Ready, over the last 50 starts on nodes that were there and on new ones.',
  );
  readonly all = [this.#perHour, this.#alwaysOn, this.#perThousand, this.#waiting, this.#starts];

  add(figures: ScaledObjectFigures): void {
    const labels = objectText(figures);
    this.#addCost(labels, figures);
    for (const { reason, pods } of figures.waiting) this.#waiting.set(`${labels},reason="${reason}"`, pods);
    const { warmNode = null, coldNode = null } = figures.leadTimes ?? {};
    for (const [node, time] of [
      ['warm', warmNode],
      ['cold', coldNode],
    ] as const) {
      if (time === null) continue;
      this.#starts.set(`${labels},node="${node}",quantile="0.5"`, time.p50 / SECOND);
      this.#starts.set(`${labels},node="${node}",quantile="0.9"`, time.p90 / SECOND);
    }
  }

  #addCost(object: string, { cost, inferences }: ScaledObjectFigures): void {
    if (cost === null) return;
    const labels = `${object},${labelText({ currency: cost.currency })}`;
    this.#perHour.set(labels, cost.perHour);
    if (cost.alwaysOn !== null) this.#alwaysOn.set(labels, cost.alwaysOn);
    const perThousand = inferences?.moneyPerThousand ?? null;
    if (cost.complete && perThousand !== null) this.#perThousand.set(labels, perThousand);
  }
}

/** Names of Kubernetes objects need no escaping. */
function objectText({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `namespace="${namespace}",scaledobject="${name}"`;
}
