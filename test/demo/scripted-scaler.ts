import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** A real gRPC server with KEDA's five calls whose answers the test sets. */
export interface ScriptedScaler {
  readonly address: string;
  /** Every call in its order: the method's first letter (S, M, A; T for StreamIsActive) and its deadline in ms. */
  readonly calls: { readonly call: string; readonly deadlineMs: number | null }[];
  /** What it answers, and the calls that it refuses; changed in place. */
  readonly answers: { value: number; active: boolean; failing: readonly string[] };
  push(active: boolean): void;
  stop(): void;
}

const PROTO = new URL('../../protos/externalscaler.proto', import.meta.url).pathname;

export async function startScriptedScaler(): Promise<ScriptedScaler> {
  const calls: ScriptedScaler['calls'] = [];
  const answers: ScriptedScaler['answers'] = { value: 0, active: false, failing: [] };
  const streams = new Set<ServerWritableStream<unknown, unknown>>();
  const answer = (letter: string, message: () => unknown) => {
    return (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => {
      calls.push({ call: letter, deadlineMs: leftOf(call.getDeadline()) });
      if (answers.failing.includes(letter)) reply({ code: status.UNAVAILABLE, details: 'blind' });
      else reply(null, message());
    };
  };
  const server = new Server();
  const service = loadSync(PROTO)['externalscaler.ExternalScaler'];
  if (service === undefined || 'format' in service) throw new Error(PROTO);
  server.addService(service, {
    GetMetricSpec: answer('S', () => ({ metricSpecs: [{ metricName: 'replicas', targetSizeFloat: 1 }] })),
    GetMetrics: answer('M', () => ({
      metricValues: [{ metricName: 'replicas', metricValueFloat: answers.value }],
    })),
    IsActive: answer('A', () => ({ result: answers.active })),
    StreamIsActive(call: ServerWritableStream<unknown, unknown>) {
      calls.push({ call: 'T', deadlineMs: leftOf(call.getDeadline()) });
      streams.add(call);
      call.on('cancelled', () => streams.delete(call));
    },
    StreamMetricSpec: (call: ServerWritableStream<unknown, unknown>) => call.end(),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    calls,
    answers,
    push(active) {
      for (const stream of streams) stream.write({ result: active });
    },
    stop: () => server.forceShutdown(),
  };
}

function leftOf(deadline: Date | number): number | null {
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(at) ? at - Date.now() : null;
}
