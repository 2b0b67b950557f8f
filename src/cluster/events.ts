import type { Clock } from '../ports/clock.js';
import { EventLimiter } from './events-limit.js';
import type { JsonRecord } from './objects/json.js';
import type { Writer } from './write.js';

/** Something to tell whoever runs `kubectl describe scaledobject`. */
export interface ScaledObjectEvent {
  readonly namespace: string;
  readonly name: string;
  /** Null where it is not known; `kubectl describe` then leaves the event out, `kubectl get events` does not. */
  readonly uid: string | null;
  readonly type: 'Normal' | 'Warning';
  /** One word such as `GpuShortage`. */
  readonly reason: string;
  /** One line. */
  readonly note: string;
}

export type Told = 'told' | 'held back' | { readonly failed: string };

/** Tells people through the cluster's events. */
export interface Events {
  /** Never rejects. An event that is held back or fails is not told later. */
  tell(event: ScaledObjectEvent): Promise<Told>;
}

/** Kubernetes' own limit for a note, in bytes. */
const LONGEST_NOTE = 1024;

/** @param instance what tells scaler replicas apart, such as the pod's name */
export function openEvents(writer: Writer, clock: Clock, instance: string): Events {
  const limiter = new EventLimiter();
  let count = 0;
  return {
    async tell(event) {
      const now = clock.now();
      const { namespace, name, reason } = event;
      const held = limiter.admit({ object: `${namespace}/${name}`, reason }, now);
      if (held === null) return 'held back';
      count += 1;
      const collection = {
        group: 'events.k8s.io',
        version: 'v1',
        resource: 'events',
        namespace,
      };
      try {
        await writer.create(collection, eventObject(event, { now, held, instance, count }));
        return 'told';
      } catch (error) {
        return { failed: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

function eventObject(
  event: ScaledObjectEvent,
  { now, held, instance, count }: { now: number; held: number; instance: string; count: number },
): JsonRecord {
  const note = held === 0 ? event.note : `${event.note} (and ${held} more like it)`;
  // The name is an object's: 253 characters, and none of its parts ends in a dash.
  const suffix = `.${now.toString(16)}${(count % 4096).toString(16).padStart(3, '0')}`;
  const stem = event.name.slice(0, 253 - suffix.length).replace(/[-.]+$/, '');
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${stem}${suffix}`, namespace: event.namespace },
    eventTime: new Date(now).toISOString().replace('Z', '000Z'),
    reportingController: 'pilotlight',
    reportingInstance: instance.slice(0, 128),
    action: 'Scale',
    reason: event.reason,
    type: event.type,
    note: shortened(note),
    regarding: {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      namespace: event.namespace,
      name: event.name,
      ...(event.uid === null ? {} : { uid: event.uid }),
    },
  };
}

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= LONGEST_NOTE) return note;
  // The dots are three bytes, and of a letter that is cut nothing is left.
  return `${bytes.toString('utf8', 0, LONGEST_NOTE - 3).replace(/\uFFFD+$/, '')}…`;
}
