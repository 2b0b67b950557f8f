import { applyAll, rendered } from './install.js';
import type { Api, KubeObject } from './api.js';
import { until } from './api.js';
import type { Binaries } from './binaries.js';
import type { ControlPlane } from './control-plane.js';
import type { Kubelet } from './kubelet.js';
import type { Load } from './load.js';
import { CAPACITY_BUFFERS, namespace, SCALED_OBJECTS } from './objects.js';
import type { Report } from './report.js';

/** All that a part needs to try something. */
export interface Surroundings {
  readonly plane: ControlPlane;
  readonly admin: Api;
  readonly binaries: Binaries;
  readonly kubelet: Kubelet;
  readonly load: Load;
  readonly report: Report;
  readonly folder: string;
  /** Of the product's own service account, and of nobody more. */
  readonly kubeconfig: string;
}

export const SERVICE_ACCOUNT = 'system:serviceaccount:pilotlight:pilotlight';
/** What may go with the version of the API server, and is said and not counted. */
const NEWER = /PodDisruptionBudget\/.*policy\/v1\)/;

/** The product as an operator installs it, and the definitions that it lives beside. */
export async function install(plane: ControlPlane, { kubectl }: Binaries, report: Report): Promise<string> {
  const { admin } = plane;
  await report.check('the definitions of KEDA and of capacity buffers are installed', async () => {
    for (const definition of [SCALED_OBJECTS, CAPACITY_BUFFERS]) {
      await admin.put(definition);
      await until(`${definition.metadata.name} to be served`, () => served(admin, definition));
    }
    for (const name of ['pilotlight', 'gpu', 'team-a', 'team-b']) await admin.put(namespace(name));
  });
  await report.check('the API server takes everything in overlays/default', async () => {
    const objects = rendered(kubectl, 'overlays/default');
    const refused = await applyAll(admin, objects);
    const unexpected = refused.filter((each) => !NEWER.test(each));
    if (unexpected.length > 0) throw new Error(unexpected.join('; '));
    return `${objects.length - refused.length} objects${refused.map((each) => `; not known to this version: ${each.split(':', 1)[0] ?? ''}`).join('')}`;
  });
  return plane.kubeconfig('pilotlight', await plane.tokenOf('pilotlight', 'pilotlight'));
}

async function served(admin: Api, { spec }: KubeObject): Promise<true | undefined> {
  const { group, names, versions } = spec as {
    group: string;
    names: { plural: string };
    versions: { name: string }[];
  };
  for (const { name } of versions) {
    const { code } = await admin.ask('GET', `/apis/${group}/${name}/${names.plural}`);
    if (code !== 200) return undefined;
  }
  return true;
}
