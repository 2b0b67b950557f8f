import type { Toleration } from '../../ports/cluster-objects.js';
import type { PodShape } from '../../ports/cluster.js';
import type { ScaleTarget } from '../../ports/workloads.js';
import { requiredAffinity } from '../capacity-shape.js';
import { list, record, strings, text, wholeNumber, type Json, type JsonRecord } from './json.js';
import { effectOf } from './node.js';
import { gpuOf, podRequests } from './pod-requests.js';
import { Shared } from './shared.js';

/** A Deployment or StatefulSet, as far as it is used. */
export interface SeenTarget extends ScaleTarget {
  /** spec.replicas, which the API server fills in with 1. */
  readonly replicas: number;
  readonly shape: PodShape;
}

export function targetReader(kind: ScaleTarget['kind']): (object: JsonRecord) => SeenTarget | null {
  const shapes = new Shared<PodShape>();
  return (object) => {
    const metadata = record(object['metadata']);
    const spec = record(object['spec']);
    const [name, namespace] = [text(metadata['name']), text(metadata['namespace'])];
    if (name === null || namespace === null) return null;
    const template = record(record(spec['template'])['spec']);
    return {
      kind,
      namespace,
      name,
      replicas: wholeNumber(spec['replicas']) ?? 1,
      shape: shapes.one(shapeOf(template)),
    };
  };
}

function shapeOf(spec: JsonRecord): PodShape {
  const requests = podRequests(spec);
  return {
    gpu: gpuOf(requests),
    requests,
    nodeSelector: strings(spec['nodeSelector']),
    tolerations: list(spec['tolerations']).flatMap(tolerationOf),
    priorityClass: text(spec['priorityClassName']),
    nodeAffinity: requiredAffinity(spec),
  };
}

function tolerationOf(value: Json): Toleration[] {
  const given = record(value);
  const effect = effectOf(given['effect']);
  if (effect === null && text(given['effect']) !== null) return [];
  const operator = given['operator'] === 'Exists' ? 'Exists' : 'Equal';
  return [{ key: text(given['key']), operator, value: text(given['value']) ?? '', effect }];
}
