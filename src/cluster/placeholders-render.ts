import { createHash } from 'node:crypto';
import type { CapacityConfig } from '../policy/capacity-config.js';
import type { Pod, Toleration } from '../ports/cluster-objects.js';
import type { NodeRequirement } from '../ports/cluster-objects.js';
import type { ReplicaShape } from './capacity-shape.js';
import type { JsonRecord } from './objects/json.js';
import type { Hold } from './placeholders-plan.js';
import type { ObjectPath } from './write.js';

export type PlaceholderConfig = CapacityConfig['placeholders'];

export const PLACEHOLDER_LABEL = 'pilotlight.dev/placeholder';
export const WORKLOAD_ANNOTATION = 'pilotlight.dev/workload';
export const UNTIL_ANNOTATION = 'pilotlight.dev/until';
export const RENDERED_ANNOTATION = 'pilotlight.dev/rendered';

/** An object as it should be. */
export interface Rendered {
  readonly path: ObjectPath;
  readonly object: JsonRecord;
  readonly workload: string;
  /** Of all but the replicas and the end. */
  readonly digest: string;
  readonly replicas: number | null;
  readonly until: number;
}

/** Below −10 the cluster autoscaler neither adds a node for a pod nor minds it (`--expendable-pods-priority-cutoff`). */
export const PLACEHOLDER_PRIORITY = -10;

/** To be installed once by somebody who may: the server has no right to cluster-wide objects. */
export function priorityClass({ priorityClass }: PlaceholderConfig): JsonRecord {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: priorityClass },
    value: PLACEHOLDER_PRIORITY,
    globalDefault: false,
    // They wait for room and make way; they never evict.
    preemptionPolicy: 'Never',
    description: 'Holds GPU nodes for pods to come, and makes way for any pod of priority 0.',
  };
}

/** A pod is a placeholder only where we alone create pods: a label is anybody's to give. */
export function isPlaceholder(
  pod: Pick<Pod, 'namespace' | 'labels'>,
  { namespace }: PlaceholderConfig,
): boolean {
  return pod.namespace === namespace && pod.labels[PLACEHOLDER_LABEL] !== undefined;
}

/** The objects that hold nodes: a Deployment, or a CapacityBuffer with its PodTemplate. */
export function render(hold: Hold, config: PlaceholderConfig): Rendered[] {
  if (config.buffer === null) return [deployment(hold, config)];
  return [podTemplate(hold, config), capacityBuffer(hold, config, config.buffer)];
}

function deployment(hold: Hold, config: PlaceholderConfig): Rendered {
  const name = nameOf(hold.workload);
  const template = podSpec(hold.shape, config);
  return finished(hold, config, { group: 'apps', version: 'v1', resource: 'deployments' }, 'Deployment', {
    replicas: hold.replicas,
    revisionHistoryLimit: 0,
    // A surge would buy a node for the change of a template.
    strategy: { type: 'Recreate' },
    selector: { matchLabels: { [PLACEHOLDER_LABEL]: name } },
    template: { metadata: { labels: labelsOf(name) }, spec: template },
  });
}

function podTemplate(hold: Hold, config: PlaceholderConfig): Rendered {
  const name = nameOf(hold.workload);
  const template = { metadata: { labels: labelsOf(name) }, spec: podSpec(hold.shape, config) };
  const path = { group: '', version: 'v1', resource: 'podtemplates' };
  return finished(hold, config, path, 'PodTemplate', null, template);
}

function capacityBuffer(hold: Hold, config: PlaceholderConfig, apiVersion: string): Rendered {
  const [group = '', version = ''] = apiVersion.split('/');
  return finished(hold, config, { group, version, resource: 'capacitybuffers' }, 'CapacityBuffer', {
    provisioningStrategy: 'buffer.x-k8s.io/active-capacity',
    podTemplateRef: { name: nameOf(hold.workload) },
    replicas: hold.replicas,
  });
}

function finished(
  hold: Hold,
  config: PlaceholderConfig,
  where: Pick<ObjectPath, 'group' | 'version' | 'resource'>,
  kind: string,
  spec: JsonRecord | null,
  template?: JsonRecord,
): Rendered {
  const name = nameOf(hold.workload);
  const { replicas: _, ...fixed } = spec ?? {};
  const digest = short(JSON.stringify([where, fixed, template ?? null]), 16);
  const object = {
    apiVersion: where.group === '' ? where.version : `${where.group}/${where.version}`,
    kind,
    metadata: {
      name,
      namespace: config.namespace,
      labels: labelsOf(name),
      annotations: {
        [WORKLOAD_ANNOTATION]: hold.workload,
        [UNTIL_ANNOTATION]: new Date(hold.until).toISOString(),
        [RENDERED_ANNOTATION]: digest,
      },
    },
    ...(spec === null ? {} : { spec }),
    ...(template === undefined ? {} : { template }),
  };
  const path = { ...where, namespace: config.namespace, name };
  const replicas = spec === null ? null : hold.replicas;
  return { path, object, workload: hold.workload, digest, replicas, until: hold.until };
}

/** Constant for a workload, and its own: two namespaces may have workloads of one name. */
function nameOf(workload: string): string {
  const readable = workload
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '');
  return `hold-${readable}-${short(workload, 8)}`;
}

function short(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

function labelsOf(name: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'pilotlight-placeholder',
    'app.kubernetes.io/managed-by': 'pilotlight',
    [PLACEHOLDER_LABEL]: name,
  };
}

function podSpec(shape: ReplicaShape, config: PlaceholderConfig): JsonRecord {
  const amounts = Object.entries(shape.requests).filter(([name, amount]) => amount > 0 && name !== 'pods');
  const requests = Object.fromEntries(amounts.map(([name, amount]) => [name, quantityOf(name, amount)]));
  // An extended resource is only given where the limit says the same.
  const limits = Object.fromEntries(Object.entries(requests).filter(([name]) => name.includes('/')));
  return {
    priorityClassName: config.priorityClass,
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: shape.nodeSelector,
    tolerations: shape.tolerations.map(tolerationOf),
    ...(shape.affinity === null
      ? {}
      : {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: shape.affinity.map(({ labels, fields }) => ({
                  matchExpressions: labels.map(requirementOf),
                  matchFields: fields.map(requirementOf),
                })),
              },
            },
          },
        }),
    securityContext: { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'placeholder',
        image: config.image,
        resources: { requests, limits },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  };
}

function quantityOf(name: string, amount: number): string {
  return name === 'cpu' ? `${Math.ceil(amount * 1000 - 1e-6)}m` : String(Math.ceil(amount - 1e-6));
}

function tolerationOf({ key, operator, value, effect }: Toleration): JsonRecord {
  return {
    ...(key === null ? {} : { key }),
    operator,
    ...(operator === 'Exists' ? {} : { value }),
    ...(effect === null ? {} : { effect }),
  };
}

function requirementOf({ key, operator, values }: NodeRequirement): JsonRecord {
  return { key, operator, ...(values.length === 0 ? {} : { values }) };
}
