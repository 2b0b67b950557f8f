import { list, record, type Json, type JsonRecord } from './json.js';
import { quantities } from './quantity.js';

type Amounts = Record<string, number>;

/**
 * What the scheduler sets aside for a pod: its containers and sidecars together, or more where an init container needs
 * more before they run, plus the overhead; requests of the pod as a whole stand above those of its containers. Where only
 * a limit is given it is the request too. (Kubernetes, component-helpers/resource `PodRequests`.)
 */
export function podRequests(spec: JsonRecord): Amounts {
  const running: Amounts = {};
  for (const container of list(spec['containers'])) add(running, requestsOf(container));
  const sidecars: Amounts = {};
  const starting: Amounts = {};
  for (const container of list(spec['initContainers'])) {
    const needed = requestsOf(container);
    // A sidecar goes on beside all that comes after it.
    const isSidecar = record(container)['restartPolicy'] === 'Always';
    add(needed, sidecars);
    atLeast(starting, needed);
    if (isSidecar) add(sidecars, requestsOf(container));
  }
  add(running, sidecars);
  atLeast(running, starting);
  Object.assign(running, requestsOf(spec));
  add(running, quantities(spec['overhead']));
  return running;
}

function requestsOf(holder: Json): Amounts {
  const resources = record(record(holder)['resources']);
  return { ...quantities(resources['limits']), ...quantities(resources['requests']) };
}

function add(to: Amounts, more: Amounts): void {
  for (const [name, amount] of Object.entries(more)) to[name] = (to[name] ?? 0) + amount;
}

function atLeast(to: Amounts, other: Amounts): void {
  for (const [name, amount] of Object.entries(other)) to[name] = Math.max(to[name] ?? 0, amount);
}

const GPU = /^nvidia\.com\/(?:gpu(?:\.shared)?|mig-[\w.+-]+)$/;

export function isGpuResource(name: string): boolean {
  return GPU.test(name);
}

/** The GPU resource of a pod; of several, the largest amount. Null: none. */
export function gpuOf(requests: Readonly<Amounts>): { resource: string; perPod: number } | null {
  let found: { resource: string; perPod: number } | null = null;
  for (const [resource, perPod] of Object.entries(requests)) {
    if (perPod > (found?.perPod ?? 0) && isGpuResource(resource)) found = { resource, perPod };
  }
  return found;
}
