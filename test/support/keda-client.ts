import {
  credentials,
  loadPackageDefinition,
  Metadata,
  status,
  type ChannelCredentials,
  type requestCallback,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '../../src/keda/gen/externalscaler.js';
import type { GetMetricsResponse__Output as Metrics } from '../../src/keda/gen/externalscaler/GetMetricsResponse.js';
import type { IsActiveResponse__Output as Active } from '../../src/keda/gen/externalscaler/IsActiveResponse.js';
import type { ExternalScalerClient } from '../../src/keda/gen/externalscaler/ExternalScaler.js';
import type { GetMetricSpecResponse__Output as Specs } from '../../src/keda/gen/externalscaler/GetMetricSpecResponse.js';
import type { MetricValue__Output as MetricValue } from '../../src/keda/gen/externalscaler/MetricValue.js';
import type { TriggerRef } from '../../src/ports/decisions.js';

/** A KEDA as the scaler sees it: one real connection, KEDA's messages, and its deadlines where it sets any. */

export interface CallOptions {
  /** Milliseconds; null as in KEDA's poll loop, about 60 000 as in a request of the HPA. */
  readonly deadlineMs?: number | null;
}

/** What the HPA's requests carry: what is left of the API server's 60 s. */
export const FROM_HPA: CallOptions = { deadlineMs: 59_990 };

export interface Stream<T> {
  readonly received: readonly T[];
  /** How the stream ended; null while it is open. */
  readonly ended: StatusObject | null;
  cancel(): void;
}

export interface KedaClient {
  metricSpec(ref: TriggerRef, options?: CallOptions): Promise<Specs['metricSpecs']>;
  metrics(ref: TriggerRef, metricName: string, options?: CallOptions): Promise<MetricValue[]>;
  isActive(ref: TriggerRef, options?: CallOptions): Promise<boolean>;
  streamIsActive(ref: TriggerRef): Stream<boolean>;
  streamMetricSpec(ref: TriggerRef): Stream<Specs['metricSpecs']>;
  close(): void;
}

const PROTO = new URL('../../protos/externalscaler.proto', import.meta.url).pathname;
const LARGEST_REQUEST = 16 * 1024 * 1024;

export function connectKeda(
  address: string | number,
  channel: ChannelCredentials = credentials.createInsecure(),
): KedaClient {
  const definition = loadSync(PROTO, { longs: Number, enums: String, defaults: true, oneofs: true });
  const { externalscaler } = loadPackageDefinition(definition) as unknown as ProtoGrpcType;
  const target = typeof address === 'number' ? `127.0.0.1:${address}` : address;
  const client: ExternalScalerClient = new externalscaler.ExternalScaler(target, channel, {
    'grpc.max_send_message_length': LARGEST_REQUEST,
    // Clients in one process share connections otherwise, and a drained server's would be handed on.
    'grpc.use_local_subchannel_pool': 1,
  });
  const request = ({ namespace, name, metadata }: TriggerRef) => ({
    namespace,
    name,
    scalerMetadata: { ...metadata },
  });
  return {
    metricSpec: async (ref, options) =>
      (
        await answer<Specs>((done) =>
          client.getMetricSpec(request(ref), new Metadata(), grpcOptions(options), done),
        )
      ).metricSpecs,
    metrics: async (ref, metricName, options) =>
      (
        await answer<Metrics>((done) =>
          client.getMetrics(
            { scaledObjectRef: request(ref), metricName },
            new Metadata(),
            grpcOptions(options),
            done,
          ),
        )
      ).metricValues,
    isActive: async (ref, options) =>
      (
        await answer<Active>((done) =>
          client.isActive(request(ref), new Metadata(), grpcOptions(options), done),
        )
      ).result,
    streamIsActive: (ref) =>
      collected<Active, boolean>(client.streamIsActive(request(ref)), ({ result }) => result),
    streamMetricSpec: (ref) =>
      collected<Specs, Specs['metricSpecs']>(
        client.streamMetricSpec(request(ref)),
        ({ metricSpecs }) => metricSpecs,
      ),
    close: () => client.close(),
  };
}

/** The status that a call was refused with. @throws Error when it was answered */
export async function refusal(call: Promise<unknown>): Promise<{ code: string; details: string }> {
  try {
    const answer = await call;
    throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`);
  } catch (error) {
    const { code, details } = error as ServiceError;
    if (typeof code !== 'number') throw error;
    return { code: status[code], details };
  }
}

function grpcOptions({ deadlineMs = null }: CallOptions = {}) {
  return deadlineMs === null ? {} : { deadline: Date.now() + deadlineMs };
}

function answer<T>(call: (done: requestCallback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error !== null) reject(error);
      else resolve(value as T);
    });
  });
}

interface ClientStream<T> {
  on(event: 'data', listener: (message: T) => void): unknown;
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  cancel(): void;
}

function collected<T, U>(call: ClientStream<T>, read: (message: T) => U): Stream<U> {
  const received: U[] = [];
  const stream = { received, ended: null as StatusObject | null, cancel: () => call.cancel() };
  call.on('data', (message) => received.push(read(message)));
  call.on('status', (status) => {
    stream.ended = status;
  });
  call.on('error', () => undefined); // the status says the same
  return stream;
}
