import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { priorityClass, render } from '../../src/cluster/placeholders-render.js';
import { parseCapacityConfig } from '../../src/policy/capacity-config.js';
import { environmentOf, flagOf, resolveSettings, SETTING_NAMES } from '../../src/server/settings.js';
import { shape } from '../cluster/cluster-objects.js';
import { only, type KubernetesObject } from './manifests.js';
import { rendered } from './render.js';

const restrictedPod = z.looseObject({
  automountServiceAccountToken: z.boolean(),
  securityContext: z.looseObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z
    .array(
      z.looseObject({
        image: z.string().regex(/:[\w.-]*\d[\w.-]*$/, 'an image with a version'),
        securityContext: z.strictObject({
          allowPrivilegeEscalation: z.literal(false),
          privileged: z.literal(false),
          readOnlyRootFilesystem: z.literal(true),
          capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
        }),
        resources: z.looseObject({
          requests: z.looseObject({ cpu: z.string(), memory: z.string() }),
          limits: z.looseObject({ memory: z.string() }),
        }),
        readinessProbe: z.looseObject({}),
        livenessProbe: z.looseObject({}),
      }),
    )
    .min(1),
});

/** What the restricted Pod Security Standard asks of a pod, as the namespace enforces it. */
const admittedPod = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        securityContext: restrictedPod.shape.securityContext,
        containers: z.tuple([
          z.looseObject({
            securityContext: z.looseObject({
              allowPrivilegeEscalation: z.literal(false),
              capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

const withPodTemplate = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ spec: restrictedPod }) }),
});

const scaler = z.looseObject({
  spec: z.looseObject({
    replicas: z.literal(2),
    strategy: z.looseObject({
      rollingUpdate: z.strictObject({ maxUnavailable: z.literal(0), maxSurge: z.literal(1) }),
    }),
    template: z.looseObject({
      spec: z.looseObject({
        serviceAccountName: z.literal('pilotlight'),
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.looseObject({ runAsUser: z.literal(65_532) }),
        containers: z.tuple([
          z.looseObject({
            args: z.array(z.string()),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
            ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
            volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
            readinessProbe: z.looseObject({ httpGet: z.looseObject({ path: z.literal('/readyz') }) }),
            livenessProbe: z.looseObject({ httpGet: z.looseObject({ path: z.literal('/healthz') }) }),
            lifecycle: z.strictObject({
              preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }),
            }),
          }),
        ]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
});

const plain = rendered('deploy/overlays/default');
const mtls = rendered('deploy/overlays/mtls');
const redis = rendered('deploy/overlays/redis');
const gpuCluster = rendered('deploy/overlays/gpu-cluster');
const namespaced = rendered('deploy/overlays/namespaced/scaler');
const overlays = [
  ['default', plain],
  ['mtls', mtls],
  ['redis', redis],
  ['gpu-cluster', gpuCluster],
  ['namespaced', namespaced],
] as const;
const podOf = (all: typeof plain) => scaler.parse(only(all, 'Deployment', 'pilotlight')).spec.template.spec;

describe.each(overlays)('overlay %s', (_, all) => {
  test('every pod satisfies the restricted Pod Security Standard, with a read-only root', () => {
    const workloads = all.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
    expect(workloads.length).toBeGreaterThan(0);
    for (const workload of workloads) withPodTemplate.parse(workload);
    expect(only(all, 'Namespace').metadata).toMatchObject({
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    });
  });

  test('everything is in the namespace, and the volumes that are mounted exist', () => {
    for (const each of all.filter(({ kind }) => !/^(?:Namespace$|PriorityClass$|Cluster)/.test(kind))) {
      expect(each.metadata.namespace).toBe('pilotlight');
    }
    const pod = podOf(all);
    const volumes = pod.volumes.map(({ name }) => name);
    expect(pod.containers[0].volumeMounts.map(({ name }) => name).toSorted()).toEqual(volumes.toSorted());
  });

  test('Services and policies select the pods by labels and ports that these have', () => {
    const template = only(all, 'Deployment').spec as { template: { metadata: { labels: object } } };
    const { labels } = template.template.metadata;
    const ports = podOf(all).containers[0].ports.map(({ name }) => name);
    for (const name of ['pilotlight', 'pilotlight-headless']) {
      const service = only(all, 'Service', name).spec as {
        selector: object;
        ports: { targetPort: string }[];
      };
      expect(labels).toMatchObject(service.selector);
      expect(ports).toEqual(expect.arrayContaining(service.ports.map(({ targetPort }) => targetPort)));
    }
    const policy = only(all, 'NetworkPolicy', 'pilotlight').spec as {
      podSelector: { matchLabels: object };
      ingress: { ports: { port: string }[] }[];
    };
    expect(labels).toMatchObject(policy.podSelector.matchLabels);
    expect(policy.ingress.flatMap((rule) => rule.ports.map(({ port }) => port))).toEqual(ports);
  });
});

test('KEDA’s name resolves to every pod', () => {
  expect(only(plain, 'Service', 'pilotlight-headless').spec).toMatchObject({ clusterIP: 'None' });
});

test('gRPC is open to KEDA’s namespace alone, HTTP to the monitoring’s', () => {
  const from = (name: string) => [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
  ];
  expect(only(plain, 'NetworkPolicy').spec).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: from('keda'), ports: [{ port: 'grpc' }] },
      { from: from('monitoring'), ports: [{ port: 'http' }] },
    ],
  });
});

function settingsOf(all: readonly KubernetesObject[]) {
  const { data } = only(all, 'ConfigMap') as unknown as { data: Record<string, string> };
  const file = { path: 'config.yaml', values: parse(data['config.yaml'] ?? '') as unknown };
  return resolveSettings({ flags: {}, environment: {}, file });
}

test.each(overlays)(
  'overlay %s: serve takes the settings, which name its ports and its state directory',
  (_, all) => {
    const settings = settingsOf(all);
    const [container] = podOf(all).containers;
    expect([settings.grpcListen, settings.httpListen]).toEqual(
      container.ports.map(({ containerPort }) => `0.0.0.0:${containerPort}`),
    );
    expect(container.volumeMounts).toContainEqual({ name: 'state', mountPath: settings.stateDir });
    expect(podOf(all).volumes).toContainEqual({
      name: 'config',
      configMap: { name: only(all, 'ConfigMap').metadata.name },
    });
  },
);

test('overlay gpu-cluster has the settings of the base, with warm-ups and all that its components are for', () => {
  const { gpu, ...settings } = settingsOf(gpuCluster);
  expect(settings).toEqual({ ...settingsOf(plain), noWarmUps: false });
  expect(gpu).toMatchObject({ placeholders: { enabled: true }, exactMinimum: true, deletionCost: true });
  const roles = gpuCluster
    .filter(({ kind }) => /^(?:Cluster)?Role$/.test(kind))
    .map(({ metadata }) => metadata.name);
  expect(roles.toSorted()).toEqual(
    ['', '-deletion-cost', '-events', '-exact-minimum', '-placeholders'].map((end) => `pilotlight${end}`),
  );
});

test('overlay namespaced has the settings of the base, for some namespaces', () => {
  const { namespaces, ...settings } = settingsOf(namespaced);
  expect(namespaces).toEqual(['team-a', 'team-b']);
  expect(settings).toEqual({ ...settingsOf(plain), noEvents: true });
});

test('placeholders have their PriorityClass, their rights where they are, and are let in there', () => {
  const { placeholders } = settingsOf(gpuCluster).gpu ?? parseCapacityConfig({}, '');
  const { metadata, ...rest } = only(gpuCluster, 'PriorityClass');
  expect({ ...rest, metadata: { name: metadata.name } }).toEqual(priorityClass(placeholders));
  expect(only(gpuCluster, 'Role').metadata.namespace).toBe(placeholders.namespace);
  expect(only(gpuCluster, 'Namespace').metadata.name).toBe(placeholders.namespace);
  const hold = {
    workload: 'a/b',
    pool: '',
    shape: shape({ 'nvidia.com/gpu': 1 }),
    replicas: 1,
    until: 0,
    why: '',
  };
  const [deployment] = render(hold, placeholders);
  admittedPod.parse(deployment?.object);
});

test.each(overlays)(
  'overlay %s uses flags and variables that serve has, and leaves it time to drain',
  (_, all) => {
    const pod = podOf(all);
    const [{ args, env = [] }] = pod.containers;
    const flags = new Set(['--config', ...SETTING_NAMES.map((name) => `--${flagOf(name)}`)]);
    expect(args[0]).toBe('serve');
    for (const arg of args.slice(1)) expect(flags).toContain(arg.split('=')[0]);
    const variables = SETTING_NAMES.map((name) => environmentOf(name));
    for (const { name } of env.filter((each) => each.name.startsWith('PILOTLIGHT_')))
      expect(variables).toContain(name);
    const { drain } = resolveSettings({ flags: {}, environment: {}, file: null });
    const preStop = Number(
      /(\d+_000)\)/.exec(pod.containers[0].lifecycle.preStop.exec.command.join(' '))?.[1]?.replace('_', ''),
    );
    expect(preStop + drain).toBeLessThan(1000 * pod.terminationGracePeriodSeconds);
  },
);

test.each(overlays)('overlay %s: the API server can be reached wherever it is', (_, all) => {
  const { egress } = only(all, 'NetworkPolicy', 'pilotlight').spec as {
    egress: { to?: unknown; ports: unknown[] }[];
  };
  expect(egress).toContainEqual({
    ports: [
      { port: 443, protocol: 'TCP' },
      { port: 6443, protocol: 'TCP' },
    ],
  });
});

test('a node drain leaves one replica', () => {
  expect(only(plain, 'PodDisruptionBudget').spec).toMatchObject({ minAvailable: 1 });
});

test('overlay mtls keeps the base’s arguments and takes every file from the mounted Secret', () => {
  const [container] = podOf(mtls).containers;
  const before = podOf(plain).containers[0].args;
  expect(container.args.slice(0, before.length)).toEqual(before);
  expect(container.args.slice(before.length)).toEqual([
    '--tls-cert=/etc/pilotlight-tls/tls.crt',
    '--tls-key=/etc/pilotlight-tls/tls.key',
    '--tls-client-ca=/etc/pilotlight-tls/ca.crt',
  ]);
  expect(container.volumeMounts).toContainEqual({
    name: 'tls',
    mountPath: '/etc/pilotlight-tls',
    readOnly: true,
  });
});

test('overlay redis points Pilotlight at the Redis it brings, which keeps a log and evicts nothing', () => {
  const [container] = podOf(redis).containers;
  const service = only(redis, 'Service', 'pilotlight-redis').metadata.name;
  expect(container.env?.map(({ name }) => name)).toEqual([
    'REDIS_PASSWORD',
    'PILOTLIGHT_REDIS',
    'PILOTLIGHT_NO_WARM_UPS',
  ]);
  expect(container.env?.[1]?.value).toBe(`redis://:$(REDIS_PASSWORD)@${service}:6379`);
  const { args } = (
    only(redis, 'StatefulSet').spec as { template: { spec: { containers: [{ args: string[] }] } } }
  ).template.spec.containers[0];
  expect(args.join(' ')).toContain('--appendonly yes');
  expect(args.join(' ')).toContain('--maxmemory-policy noeviction');
});
