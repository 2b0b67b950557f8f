import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { ApiServer, TOKEN } from '../support/api-server.js';
import type { ApiObject } from '../support/api-objects.js';
import { createAuthority } from '../support/certificates.js';

const RECORDED = 'test/fixtures/cluster/recorded';

/** Certificates for the stand-in, and a service account's folder. @returns the latter */
export async function certified(folder: string): Promise<string> {
  const authority = await createAuthority(folder, 'ca');
  const issued = await authority.issue('apiserver');
  await writeFile(join(folder, 'issued.json'), JSON.stringify(issued));
  const account = join(folder, 'account');
  await mkdir(account);
  await writeFile(join(account, 'ca.crt'), await readFile(authority.cert));
  await writeFile(join(account, 'token'), TOKEN);
  return account;
}

/** The recorded pod as it is Ready, managedFields and all, with another name. */
function recordedPod(): ApiObject {
  const lines = readFileSync(`${RECORDED}/pods.watch.jsonl`, 'utf8').trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { object: ApiObject });
  const found = events.find(({ object }) => object.metadata.resourceVersion === '344');
  if (found === undefined) throw new Error('the recording has changed');
  return found.object;
}

function first(resource: string): ApiObject {
  const list = JSON.parse(readFileSync(`${RECORDED}/${resource}.list.json`, 'utf8')) as {
    items: ApiObject[];
  };
  const [item] = list.items;
  if (item === undefined) throw new Error('the recording has changed');
  return item;
}

/** Like a node of a cloud: feature discovery alone sets some forty labels. */
function nodeOf(template: ApiObject, index: number): ApiObject {
  const labels: Record<string, string> = { ...(template.metadata['labels'] as Record<string, string>) };
  for (let label = 0; label < 40; label += 1)
    labels[`feature.node.kubernetes.io/label-${label}`] = `value-${label}`;
  labels['kubernetes.io/hostname'] = `node-${index}`;
  labels['topology.kubernetes.io/zone'] = `zone-${index % 3}`;
  return {
    ...template,
    metadata: { ...template.metadata, name: `node-${index}`, uid: `uid-node-${index}`, labels },
  };
}

function podOf(template: ApiObject, index: number, workloads: number, nodes: number): ApiObject {
  const workload = index % workloads;
  const [namespace, owner] = [`ns-${workload % 100}`, `llm-${workload}`];
  const metadata = {
    ...template.metadata,
    name: `${owner}-7f5c9658bc-${index.toString(36).padStart(5, 'x')}`,
    namespace,
    uid: `f1c2ce8a-b1bc-48a2-9f4e-${index.toString(16).padStart(12, '0')}`,
    labels: { app: owner, 'pod-template-hash': '7f5c9658bc' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: `${owner}-7f5c9658bc`,
        uid: `uid-rs-${owner}`,
        controller: true,
      },
    ],
  };
  const spec = { ...(template['spec'] as object), nodeName: `node-${index % nodes}` };
  return { ...template, metadata, spec };
}

async function serve(folder: string, nodes: number, pods: number, scaledObjects: number): Promise<void> {
  const issued = JSON.parse(await readFile(join(folder, 'issued.json'), 'utf8')) as {
    cert: string;
    key: string;
  };
  const server = await ApiServer.start(issued);
  const templates = {
    node: first('nodes'),
    pod: recordedPod(),
    deployment: first('deployments'),
    so: first('scaledobjects'),
  };
  const within = (index: number) => ({
    name: `llm-${index}`,
    namespace: `ns-${index % 100}`,
    uid: `uid-${index}`,
  });
  for (let index = 0; index < nodes; index += 1) server.put('nodes', nodeOf(templates.node, index));
  for (let index = 0; index < scaledObjects; index += 1) {
    const { deployment, so } = templates;
    server.put('deployments', { ...deployment, metadata: { ...deployment.metadata, ...within(index) } });
    const spec = { ...(so['spec'] as object), scaleTargetRef: { name: `llm-${index}` } };
    server.put('scaledobjects', { ...so, metadata: { ...so.metadata, ...within(index) }, spec });
  }
  const pod = (index: number) => podOf(templates.pod, index, scaledObjects, nodes);
  for (let index = 0; index < pods; index += 1) server.put('pods', pod(index));
  console.log(`port ${server.port}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [, rate = '0', seconds = '0'] = /^churn (\d+) (\d+)$/.exec(line) ?? [];
    await churn(server, pod, Number(rate), Number(seconds), pods);
    console.log(`churned ${Number(rate) * Number(seconds)}`);
  }
}

/** Writes to pods, spread over them, a tenth of the rate every 100 ms. */
async function churn(
  server: ApiServer,
  pod: (index: number) => ApiObject,
  rate: number,
  seconds: number,
  pods: number,
): Promise<void> {
  let next = 0;
  for (let step = 0; step < seconds * 10; step += 1) {
    for (let count = 0; count < rate / 10; count += 1) {
      server.put('pods', pod((next * 7919) % pods));
      next += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder = '', ...sizes] = process.argv.slice(2);
  const [nodes = 0, pods = 0, scaledObjects = 0] = sizes.map(Number);
  await serve(folder, nodes, pods, scaledObjects);
}
