import type { Millis } from '../../core/time.js';
import { moment, record, text, type JsonRecord } from './json.js';

/** The kubelet's events `Pulled`, of images pulled and of images that were there. */
export const PULLED_EVENTS = 'involvedObject.kind=Pod,reason=Pulled';

/** The pod's uid, and when its image was there. Null for anything else. */
export function pulledBy(event: JsonRecord): { readonly uid: string; readonly at: Millis } | null {
  const { kind, uid } = record(event['involvedObject']);
  const pod = text(uid);
  // Events of the new kind leave the older fields null, and the older ones the new field.
  const at = moment(event['eventTime']) ?? moment(event['lastTimestamp']) ?? moment(event['firstTimestamp']);
  if (event['reason'] !== 'Pulled' || kind !== 'Pod' || pod === null || at === null) return null;
  return { uid: pod, at };
}
