import {
  credentials,
  loadPackageDefinition,
  type CallOptions,
  type ClientUnaryCall,
  type requestCallback,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import type { ProtoGrpcType } from '../keda/gen/externalscaler.js';
import type { GetMetricSpecResponse__Output as Specs } from '../keda/gen/externalscaler/GetMetricSpecResponse.js';
import type { GetMetricsResponse__Output as Metrics } from '../keda/gen/externalscaler/GetMetricsResponse.js';
import type { IsActiveResponse__Output as Active } from '../keda/gen/externalscaler/IsActiveResponse.js';
import type { MetricValue__Output as MetricValue } from '../keda/gen/externalscaler/MetricValue.js';
import type { MetricSpec__Output as MetricSpec } from '../keda/gen/externalscaler/MetricSpec.js';

const PROTO = fileURLToPath(new URL('../../protos/externalscaler.proto', import.meta.url));

/** What KEDA sends of a ScaledObject: no replica count, no target, nothing else. */
export interface ScaledObjectRef {
  readonly namespace: string;
  readonly name: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

/** How one call is made. */
export interface Call {
  /** Null: none, as from KEDA's poll loop. The HPA's path has one, shared by the calls of a sync. */
  readonly deadline: Date | null;
  /** Cancels the call. */
  readonly signal: AbortSignal;
}

/** A client of the scaler as KEDA is one. All calls reject with the gRPC error. */
export interface ScalerClient {
  getMetricSpec(ref: ScaledObjectRef, call: Call): Promise<readonly MetricSpec[]>;
  /** Values as KEDA reads them; the HPA adds them up. */
  getMetrics(ref: ScaledObjectRef, metricName: string, call: Call): Promise<readonly number[]>;
  isActive(ref: ScaledObjectRef, call: Call): Promise<boolean>;
  /** Calls `onActive` with each message; resolves when the stream ends with OK, rejects when it breaks. */
  streamIsActive(
    ref: ScaledObjectRef,
    onActive: (active: boolean) => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): void;
}

/** One connection for all ScaledObjects, streams and calls together, as KEDA keeps it. */
export function openScalerClient(address: string): ScalerClient {
  const definition = loadSync(PROTO, { longs: Number, defaults: true });
  const { externalscaler } = loadPackageDefinition(definition) as unknown as ProtoGrpcType;
  const client = new externalscaler.ExternalScaler(address, credentials.createInsecure(), {
    // A connection of its own, also where another client of the process talks to the same address.
    'grpc.use_local_subchannel_pool': 1,
  });

  function unary<Response>(
    { deadline, signal }: Call,
    send: (options: CallOptions, reply: requestCallback<Response>) => ClientUnaryCall,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const cancel = () => call.cancel();
      const call = send(deadline === null ? {} : { deadline }, (error, response) => {
        signal.removeEventListener('abort', cancel);
        if (error !== null || response === undefined) reject(error ?? new Error('no response'));
        else resolve(response);
      });
      signal.addEventListener('abort', cancel);
    });
  }

  return {
    async getMetricSpec(ref, call) {
      const answer = await unary<Specs>(call, (options, reply) => client.getMetricSpec(ref, options, reply));
      return answer.metricSpecs;
    },
    async getMetrics(scaledObjectRef, metricName, call) {
      const request = { scaledObjectRef, metricName };
      const answer = await unary<Metrics>(call, (options, reply) =>
        client.getMetrics(request, options, reply),
      );
      return answer.metricValues.map(valueOf);
    },
    async isActive(ref, call) {
      return (await unary<Active>(call, (options, reply) => client.isActive(ref, options, reply))).result;
    },
    streamIsActive(ref, onActive, signal) {
      return new Promise((resolve, reject) => {
        const stream = client.streamIsActive(ref);
        const cancel = () => stream.cancel();
        signal.addEventListener('abort', cancel, { once: true });
        stream.on('data', ({ result }: { result: boolean }) => onActive(result));
        stream.on('error', reject);
        stream.on('end', resolve);
        stream.on('close', () => signal.removeEventListener('abort', cancel));
      });
    },
    close: () => client.close(),
  };
}

/** The float wins where it is above 0, else the int; negative is 0 (KEDA 2.20, external_scaler.go:212-215). */
function valueOf({ metricValueFloat, metricValue }: MetricValue): number {
  return metricValueFloat > 0 ? metricValueFloat : Math.max(0, metricValue);
}
