import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { fileURLToPath } from 'node:url';
import type { Decisions } from '../ports/decisions.js';
import { tlsCredentials, type TlsFiles } from './certificates.js';
import { externalScaler, type OnCall } from './service.js';

export interface GrpcOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly tls: TlsFiles | null;
  readonly reflection: boolean;
  readonly onCall: OnCall;
  readonly onProblem: (why: string) => void;
}

export interface GrpcServer {
  readonly port: number;
  streams(): number;
  /** Health first, then streams with OK, then calls in flight; what is left after `graceMs` is cut. */
  drain(graceMs: number): Promise<void>;
}

const PROTO = fileURLToPath(new URL('../../protos/externalscaler.proto', import.meta.url));
const SERVICE = 'externalscaler.ExternalScaler';

/** Larger requests than any ScaledObject that fits into etcd (1.5 MiB) are cut off before they are decoded. */
const MOST_REQUEST_BYTES = 2 * 1024 * 1024;

/** Serves KEDA. Rejects, naming the address, when it cannot listen there. */
export async function startGrpcServer(decisions: Decisions, options: GrpcOptions): Promise<GrpcServer> {
  const definition = loadSync(PROTO, { longs: Number, enums: String, defaults: true, oneofs: true });
  const server = new Server({
    'grpc.max_receive_message_length': MOST_REQUEST_BYTES,
    // KEDA never pings, so a client that vanished is found out from here.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  const { handlers, streams } = externalScaler(decisions, options.onCall);
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  server.addService(serviceOf(definition), handlers);
  health.addToServer(server);
  if (options.reflection) new ReflectionService(definition).addToServer(server);
  const tls = options.tls === null ? null : tlsCredentials(options.tls, options.onProblem);
  const port = await bind(server, options.listen, tls?.credentials ?? ServerCredentials.createInsecure());
  return {
    port,
    streams: () => streams.count(),
    async drain(graceMs) {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE, 'NOT_SERVING');
      streams.end();
      await shutDown(server, graceMs);
      tls?.close();
    },
  };
}

function serviceOf(definition: ReturnType<typeof loadSync>): Parameters<Server['addService']>[0] {
  const service = definition[SERVICE];
  if (service === undefined || 'format' in service) throw new Error(`${PROTO} defines no service ${SERVICE}`);
  return service;
}

function bind(server: Server, listen: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, port) =>
      error === null
        ? resolve(port)
        : reject(new Error(`--grpc-listen ${listen}: ${error.message}`, { cause: error })),
    );
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
