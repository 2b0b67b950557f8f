import { confineQuery } from '../signals/prometheus/promql-guard.js';
import { isAllowed } from '../signals/prometheus/allow-list.js';
import type { Permissions } from './registry.js';
import type { Settings } from './settings.js';

/** What tenants may reach, by the operator's settings: nothing beyond their own namespace unless it says so. */
export function permissionsOf(settings: Settings): Permissions {
  const prometheis = [
    ...(settings.prometheus === undefined ? [] : [settings.prometheus]),
    ...settings.allowPrometheus,
  ];
  const queues = new Set(settings.allowQueue);
  return {
    prometheus(address) {
      const allowed = isAllowed(address, prometheis);
      return allowed.ok
        ? null
        : `prometheusAddress: ${allowed.why}; the operator allows more with --allow-prometheus`;
    },
    queue(namespace, queue) {
      if (isOwnQueue(namespace, queue) || queues.has(`${namespace}=${qualified(queue)}`)) return null;
      return (
        `queue: ${queue} does not belong to namespace ${namespace}: expected ${namespace}.NAME or ${namespace}:NAME, ` +
        `or the operator allows it with --allow-queue ${namespace}=${qualified(queue)}`
      );
    },
    query(namespace, query) {
      const confined = confineQuery(query, { label: settings.queryNamespaceLabel, value: namespace });
      return confined.ok ? { query: confined.query } : { why: confined.why };
    },
  };
}

/**
 * A namespace has no dot in its name, so `team.render` is team's, and `team-a.render` is not. BullMQ's own prefix is
 * everybody's, also where a namespace is called so.
 */
function isOwnQueue(namespace: string, queue: string): boolean {
  const [prefix, name] = queue.includes(':') ? queue.split(':', 2) : ['bull', queue];
  return prefix === 'bull' ? name?.startsWith(`${namespace}.`) === true : prefix === namespace;
}

function qualified(queue: string): string {
  return queue.includes(':') ? queue : `bull:${queue}`;
}
