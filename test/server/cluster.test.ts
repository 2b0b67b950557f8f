import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { NO_CLUSTER, openServerCluster } from '../../src/server/cluster.js';
import { temporaryFolder } from '../support/processes.js';
import { printableSettings, resolveSettings, type SettingsLayers } from '../../src/server/settings.js';

const NOTHING: SettingsLayers = { flags: {}, environment: {}, file: null };
const file = (values: unknown) => ({ ...NOTHING, file: { path: 'pilotlight.yaml', values } });
const clock = { now: () => 0 };

async function opened(layers: Partial<SettingsLayers>, environment: Record<string, string> = {}) {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const settings = resolveSettings({ ...NOTHING, ...layers });
  const cluster = await openServerCluster(settings, clock, log, environment);
  return { cluster, said: lines.join('') };
}

describe('there is no access to the cluster', () => {
  test('outside of one without a kubeconfig, and nobody is bothered with it', async () => {
    expect(await opened({})).toEqual({ cluster: NO_CLUSTER, said: '' });
  });

  test('inside of one with --no-cluster', async () => {
    const inside = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    expect(await opened({ flags: { noCluster: true } }, inside)).toEqual({ cluster: NO_CLUSTER, said: '' });
  });

  test('inside of one without a service account, which is said', async () => {
    // Where this very test runs in a pod that has one, there is nothing to see.
    const { said } = await opened({}, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' });
    expect(said).toMatch(/going on without access to the cluster|not known yet/);
  });

  test('while the API server cannot be reached, which is said once and what it means', async () => {
    const folder = await temporaryFolder('cluster-closed');
    const kubeconfig = join(folder, 'kubeconfig');
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { token: 'x' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const { cluster, said } = await opened({ flags: { kubeconfig } });
    const lines = said
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(lines).toEqual([
      expect.stringMatching(/^cannot reach the API server at https:\/\/127\.0\.0\.1:1: /),
      'the cluster is not known yet: decisions are made without the cluster until it is; tried again by itself',
    ]);
    await cluster.close();
  });

  test('for `gpu`, which then has no effect and says so', async () => {
    const { said } = await opened(file({ gpu: { pools: [] } }));
    expect(said).toContain('gpu: has no effect without access to the cluster');
  });

  test('and everything of it is null', async () => {
    const target = { namespace: 'ns', kind: 'deployment', name: 'llm' } as const;
    expect(NO_CLUSTER.workloads.replicas(target)).toBeNull();
    expect([NO_CLUSTER.health(), NO_CLUSTER.money()]).toEqual([null, null]);
    expect([NO_CLUSTER.shares(), await NO_CLUSTER.tick([], 0)]).toEqual([[], []]);
  });
});

describe('settings of the cluster', () => {
  const gpu = { pools: [{ name: 'a100', match: { pool: 'a100' }, gpuMemory: '40Gi' }] };

  test('`gpu` is read from the file, and what is shown of it can be given back', () => {
    const settings = resolveSettings(file({ gpu }));
    expect(settings.gpu).toEqual(parseCapacityConfig(gpu, ''));
    expect(resolveSettings(file(printableSettings(settings)))).toEqual(settings);
  });

  test('a fault in `gpu` says where it is', () => {
    expect(() => resolveSettings(file({ gpu: { pools: [{ name: 'a100' }] } }))).toThrow(
      /^pilotlight\.yaml: gpu: pools\[0\]\.match: got nothing, expected at least one label/,
    );
    expect(() => resolveSettings(file({ gpu: { polls: [] } }))).toThrow(
      'pilotlight.yaml: gpu: no such key "polls"; did you mean pools?',
    );
  });

  test('namespaces come as a list or by commas', () => {
    const flags = { namespaces: 'team-a, team-b' };
    expect(resolveSettings({ ...NOTHING, flags }).namespaces).toEqual(['team-a', 'team-b']);
    expect(resolveSettings(file({ namespaces: ['team-a'] })).namespaces).toEqual(['team-a']);
    expect(() => resolveSettings({ ...NOTHING, flags: { namespaces: 'Team_A' } })).toThrow(
      '--namespaces: got "Team_A", expected namespaces such as team-a,team-b',
    );
  });

  test('a kubeconfig and no cluster contradict each other', () => {
    const flags = { kubeconfig: 'config', noCluster: true };
    expect(() => resolveSettings({ ...NOTHING, flags })).toThrow(
      '--kubeconfig and --no-cluster: expected one of them',
    );
  });
});
