import { describe, expect, test } from 'vitest';
import { permissionsOf } from '../../src/server/permissions.js';
import { resolveSettings } from '../../src/server/settings.js';

function permissions(flags: Record<string, unknown> = {}) {
  return permissionsOf(resolveSettings({ flags, environment: {}, file: null }));
}

describe('queues', () => {
  test.each([
    ['team', 'team.render', true],
    ['team', 'bull:team.render', true],
    ['team', 'team:render', true],
    ['team', 'render', false],
    ['team', 'bull:render', false],
    ['team', 'team-a.render', false],
    ['team', 'team-a:render', false],
    ['team-a', 'team.render', false],
    ['bull', 'bull:render', false],
    ['bull', 'bull:bull.render', true],
  ])('namespace %s, queue %s: %s', (namespace, queue, allowed) => {
    expect(permissions().queue(namespace, queue) === null).toBe(allowed);
  });

  test('what the operator allows besides, to that namespace alone', () => {
    const { queue } = permissions({ allowQueue: ['team=bull:shared', 'team=jobs:night'] });
    expect([queue('team', 'shared'), queue('team', 'bull:shared'), queue('team', 'jobs:night')]).toEqual([
      null,
      null,
      null,
    ]);
    expect(queue('other', 'shared')).toContain('--allow-queue other=bull:shared');
    expect(queue('team', 'bull:night')).not.toBeNull();
  });
});

describe('Prometheus', () => {
  test('the server’s own and those listed, and nothing else', () => {
    const { prometheus } = permissions({
      prometheus: 'http://prometheus:9090',
      allowPrometheus: ['https://mimir/prometheus'],
    });
    for (const address of ['http://prometheus:9090', 'http://PROMETHEUS:9090/', 'https://mimir/prometheus'])
      expect(prometheus(address)).toBeNull();
    for (const address of [
      'http://prometheus:9091',
      'https://prometheus:9090',
      'https://mimir/',
      'https://mimir/prometheus2',
    ])
      expect(prometheus(address)).toMatch(/^prometheusAddress: .*--allow-prometheus$/);
  });

  test('none without any', () => {
    expect(permissions().prometheus('http://prometheus:9090')).toContain('no other Prometheus is allowed');
  });
});

test('queries are confined by the label that the operator names', () => {
  const { query } = permissions({ queryNamespaceLabel: 'kubernetes_namespace' });
  expect(query('team', 'sum(app)')).toEqual({ query: 'sum(app{kubernetes_namespace="team"})' });
  expect(query('team', 'sum(')).toHaveProperty('why');
});
