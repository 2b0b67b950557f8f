import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Answer, Caller, Decisions, Refusal, TriggerRef } from '../ports/decisions.js';
import type { GetMetricSpecResponse } from './gen/externalscaler/GetMetricSpecResponse.js';
import type { GetMetricsRequest__Output as GetMetricsRequest } from './gen/externalscaler/GetMetricsRequest.js';
import type { GetMetricsResponse } from './gen/externalscaler/GetMetricsResponse.js';
import type { IsActiveResponse } from './gen/externalscaler/IsActiveResponse.js';
import type { ScaledObjectRef__Output as ScaledObjectRef } from './gen/externalscaler/ScaledObjectRef.js';
import { statusOf } from './status.js';
import { openStreams, type Streams } from './streams.js';

/** Told of every call that was answered: the method and whether it was refused. */
export type OnCall = (method: string, refused: Refusal['kind'] | null) => void;

/**
 * KEDA's five calls, answered from the decisions. KEDA's words in, core's words out, and nothing else happens here: no
 * call waits on a backend, and every refusal is an error status, because an answer of 0 would scale to zero.
 */
export function externalScaler(
  decisions: Decisions,
  onCall: OnCall,
): { readonly handlers: UntypedServiceImplementation; readonly streams: Streams } {
  const streams = openStreams();
  const answered = <Request, Response>(
    method: string,
    answer: (call: ServerUnaryCall<Request, Response>) => Promise<Response | Refusal> | Response | Refusal,
  ) => {
    return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>) => {
      void Promise.resolve(answer(call))
        .catch(faultOfOurs)
        .then((result) => {
          const refused = isRefusal(result) ? result : null;
          onCall(method, refused?.kind ?? null);
          return refused === null ? reply(null, result as Response) : reply(statusOf(refused));
        });
    };
  };
  const handlers = {
    IsActive: answered<ScaledObjectRef, IsActiveResponse>('IsActive', async (call) => {
      const answer = usable(
        await decisions.current(triggerRef(call.request), callerOf(call)),
        callerOf(call),
      );
      return answer.kind === 'decided' ? { result: answer.decision.active } : answer;
    }),
    GetMetricSpec: answered<ScaledObjectRef, GetMetricSpecResponse>('GetMetricSpec', (call) =>
      metricSpecs(decisions, call.request, callerOf(call)),
    ),
    GetMetrics: answered<GetMetricsRequest, GetMetricsResponse>('GetMetrics', async (call) => {
      const ref = triggerRef(call.request.scaledObjectRef);
      const answer = usable(await decisions.current(ref, callerOf(call)), callerOf(call));
      return answer.kind === 'decided' ? metricValue(answer, call.request.metricName) : answer;
    }),
    StreamIsActive: (call: ServerWritableStream<ScaledObjectRef, IsActiveResponse>) => {
      let last: boolean | null = null;
      const stop = decisions.watch(triggerRef(call.request), ({ active }) => {
        // Edges only: a repeated `true` refreshes KEDA's lastActiveTime and delays the way to zero (KEDA-PROTOCOL 47).
        if (active === last) return;
        last = active;
        call.write({ result: active });
      });
      onCall('StreamIsActive', typeof stop === 'function' ? null : stop.kind);
      if (typeof stop !== 'function') return refuse(call, stop);
      return streams.add(call, stop);
    },
    StreamMetricSpec: (call: ServerWritableStream<ScaledObjectRef, GetMetricSpecResponse>) => {
      const specs = metricSpecs(decisions, call.request, 'poll');
      onCall('StreamMetricSpec', isRefusal(specs) ? specs.kind : null);
      if (isRefusal(specs)) return refuse(call, specs);
      // Names and targets are constant for the life of a trigger, so the first message is also the last.
      call.write(specs);
      return streams.add(call, () => undefined);
    },
  };
  return { handlers, streams };
}

/** Decisions never reject. Should one do so, KEDA gets an answer all the same: a call that hangs can take it to zero. */
function faultOfOurs(error: unknown): Refusal {
  return { kind: 'unavailable', why: `a fault of the scaler: ${String(error)}` };
}

/** As grpc-js has it: `destroy` would drop the status and leave the client waiting. */
function refuse(call: ServerWritableStream<unknown, unknown>, refusal: Refusal): void {
  call.emit('error', statusOf(refusal));
}

function metricSpecs(
  decisions: Decisions,
  request: ScaledObjectRef,
  caller: Caller,
): GetMetricSpecResponse | Refusal {
  const found = decisions.specs(triggerRef(request), caller);
  if (found.kind !== 'specs') return found;
  return {
    metricSpecs: found.specs.map(({ name, target }) => ({
      metricName: name,
      targetSizeFloat: target,
      // Only for clients that predate the float; KEDA prefers the float wherever it is above 0.
      targetSize: Math.max(1, Math.round(target)),
    })),
  };
}

/** Exactly one value: the HPA adds up whatever is returned, whatever its name (KEDA-PROTOCOL 19). */
function metricValue(
  answer: Extract<Answer, { kind: 'decided' }>,
  asked: string,
): GetMetricsResponse | Refusal {
  const index = answer.specs.findIndex((spec) => spec.name === asked);
  if (index < 0) {
    const names = answer.specs.map((spec) => spec.name).join(', ');
    return { kind: 'invalid', why: `metricName: got "${asked.slice(0, 60)}", expected ${names}` };
  }
  // The int field stays 0: KEDA falls back to it where the float is 0.
  return { metricValues: [{ metricName: asked, metricValueFloat: answer.decision.metrics[index] ?? 0 }] };
}

/** A blind decision is no answer, and neither is one that presumes zero replicas to an HPA, which asks above zero only. */
function usable(answer: Answer, caller: Caller): Answer {
  if (answer.kind !== 'decided') return answer;
  const { verdict, reason, presumesZero } = answer.decision;
  if (verdict === 'blind') return { kind: 'unavailable', why: reason };
  if (presumesZero && caller === 'hpa') {
    return {
      kind: 'unavailable',
      why: `blind: replicas run, since the HPA asks, but none reports: ${reason}`,
    };
  }
  return answer;
}

function triggerRef(request: ScaledObjectRef | null): TriggerRef {
  return {
    namespace: request?.namespace ?? '',
    name: request?.name ?? '',
    metadata: request?.scalerMetadata ?? {},
  };
}

/**
 * KEDA's poll sets no deadline; a request that comes from the HPA carries what is left of the API server's 60 s
 * (KEDA-PROTOCOL 14). Other deadlines are other clients'.
 */
function callerOf(call: ServerUnaryCall<unknown, unknown>): Caller {
  const deadline = call.getDeadline();
  const left = (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now();
  return left > 30_000 && left <= 60_500 ? 'hpa' : 'poll';
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
