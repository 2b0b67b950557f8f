import { credentials, loadPackageDefinition, type Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '../../src/keda/gen/externalscaler.js';
import type { ExternalScalerClient } from '../../src/keda/gen/externalscaler/ExternalScaler.js';
import type { ScaledObjectRef } from '../../src/keda/gen/externalscaler/ScaledObjectRef.js';
import { clusterPrometheus, quantile, started, usage } from './processes.js';

const METRIC = 'pilotlight-replicas';
const POLL_S = 30;
const HPA_SYNC_S = 15;

export interface RpcResult {
  readonly scaledObjects: number;
  readonly kedaRate: {
    readonly callsPerSecond: number;
    readonly p50ms: number;
    readonly p99ms: number;
    readonly errors: number;
  };
  /** Calls back to back, 32 in flight: per second of wall time, and per second of the server's processor time. */
  readonly flatOut: { readonly callsPerSecond: number; readonly callsPerCpuSecond: number };
  readonly serverCpuShare: number;
  readonly rssMiB: number;
}

/**
 * A server process with so many ScaledObjects, all called over one connection in KEDA's pattern: for each poll and each
 * HPA sync GetMetricSpec, GetMetrics, IsActive, spread evenly, whether or not the calls before have been answered.
 */
export async function benchRpc(scaledObjects: number, seconds: number): Promise<RpcResult> {
  const prometheus = await clusterPrometheus(scaledObjects, 1);
  const args = ['dist/cli/main.js', 'serve', '--grpc-listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];
  const server = await started('node', [
    ...args,
    '--prometheus',
    `http://127.0.0.1:${prometheus.line}`,
    '--log-level',
    'warn',
  ]);
  const port = /port (\d+)/.exec(server.line)?.[1];
  const client = kedaClient(`127.0.0.1:${port ?? ''}`);
  const pid = server.child.pid ?? 0;
  try {
    const refs = Array.from({ length: scaledObjects }, (_, index) => ref(index));
    await flatOut(client, refs, refs.length * 3);
    const before = usage(pid);
    const keda = await atKedasRate(client, refs, seconds);
    const after = usage(pid);
    const calls = 20_000;
    const began = performance.now();
    await flatOut(client, refs, calls);
    const wall = (performance.now() - began) / 1000;
    const end = usage(pid);
    return {
      scaledObjects,
      kedaRate: keda,
      flatOut: {
        callsPerSecond: calls / wall,
        callsPerCpuSecond: calls / (end.cpuSeconds - after.cpuSeconds),
      },
      serverCpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds,
      rssMiB: end.rssMiB,
    };
  } finally {
    (client as Client).close();
    server.child.kill('SIGKILL');
    prometheus.child.kill('SIGKILL');
  }
}

function kedaClient(address: string): ExternalScalerClient {
  const definition = loadSync('protos/externalscaler.proto', {
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const { externalscaler } = loadPackageDefinition(definition) as unknown as ProtoGrpcType;
  return new externalscaler.ExternalScaler(address, credentials.createInsecure());
}

function ref(index: number): ScaledObjectRef {
  const scalerMetadata = {
    scalerAddress: 'pilotlight-headless.pilotlight.svc:50051',
    profile: 'vllm-waiting',
    target: '5',
    workload: `deployment/w${index}`,
    maxReplicas: '20',
  };
  return { name: `w${index}`, namespace: `team-${index % 100}`, scalerMetadata };
}

/** One of KEDA's three calls; resolves with whether it was answered. */
function call(client: ExternalScalerClient, target: ScaledObjectRef, which: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (error: unknown) => resolve(error === null || error === undefined);
    if (which % 3 === 0) client.GetMetricSpec(target, done);
    else if (which % 3 === 1) client.GetMetrics({ scaledObjectRef: target, metricName: METRIC }, done);
    else client.IsActive(target, done);
  });
}

async function flatOut(
  client: ExternalScalerClient,
  refs: readonly ScaledObjectRef[],
  calls: number,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < calls) {
      const index = next++;
      await call(client, refs[Math.floor(index / 3) % refs.length] as ScaledObjectRef, index);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

async function atKedasRate(
  client: ExternalScalerClient,
  refs: readonly ScaledObjectRef[],
  seconds: number,
): Promise<RpcResult['kedaRate']> {
  const perSecond = refs.length * 3 * (1 / POLL_S + 1 / HPA_SYNC_S);
  const total = Math.floor(perSecond * seconds);
  const times = new Float64Array(total);
  const pending: Promise<void>[] = [];
  let errors = 0;
  let sent = 0;
  const began = performance.now();
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond));
    for (; sent < due; sent += 1) {
      const index = sent;
      const at = performance.now();
      const answered = call(client, refs[Math.floor(index / 3) % refs.length] as ScaledObjectRef, index);
      pending.push(
        answered.then((ok) => {
          times[index] = performance.now() - at;
          if (!ok) errors += 1;
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  times.sort();
  return { callsPerSecond: perSecond, p50ms: quantile(times, 0.5), p99ms: quantile(times, 0.99), errors };
}
