import { saysFalse } from '../go-bool.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { isExternal } from '../../manifest/our-triggers.js';
import type { Manifest } from '../../manifest/manifests.js';
import { called, pathOf, type Subject, type TriggerView } from '../subject.js';

/** Rules about the manifest as a whole: what KEDA or the API server refuses, and bounds nobody set. */
export const UNREADABLE: Rule = {
  code: 'PL001',
  title: 'The manifest cannot be read',
  severity: 'error',
  reason: 'kubectl or the API server refuses it.',
  fix: 'Correct the value; in a trigger’s metadata every value is a string, so numbers, true, on and off need quotes.',
  source: 'KEDA’s CRD (keda.sh/v1alpha1); kubectl reads YAML 1.1 booleans',
  // Found while reading, before there is a ScaledObject to check.
  check: () => [],
};

const noAddress: Rule = {
  code: 'PL003',
  title: 'No usable scalerAddress',
  severity: 'error',
  reason:
    'KEDA dials the scaler at this address with gRPC and takes it from the metadata alone, not from the environment.',
  fix: 'Write host:port, for example pilotlight.keda.svc.cluster.local:50051.',
  source: 'KEDA 2.20 pkg/scalers/external_scaler.go; docs, scalers/external',
  check: eachTrigger((view) => {
    if (!isExternal(view.trigger)) return [];
    const address = view.trigger.metadata['scalerAddress'];
    const path = pathOf(view, 'metadata', 'scalerAddress');
    if (address === undefined || address === '')
      return [{ path, message: `${called(view)} has no scalerAddress` }];
    if (/^https?:\/\//i.test(address)) {
      return [{ path, message: `scalerAddress is the URL ${address}; gRPC reads its scheme as a host` }];
    }
    return address.includes(':')
      ? []
      : [{ path, message: `scalerAddress ${address} has no port; gRPC assumes 443` }];
  }),
};

const duplicateNames: Rule = {
  code: 'PL004',
  title: 'Two triggers have one name',
  severity: 'error',
  reason: 'KEDA’s webhook refuses the ScaledObject: trigger names must be unique.',
  fix: 'Give each trigger its own name, or none.',
  source: 'KEDA 2.20 apis/keda/v1alpha1/scaletriggers_types.go, ValidateTriggers',
  check: ({ triggers }) => {
    const seen = new Map<string, number>();
    return triggers.flatMap((view): Fault[] => {
      const { name } = view.trigger;
      if (name === undefined || name === '') return [];
      const first = seen.get(name);
      if (first === undefined) {
        seen.set(name, view.index);
        return [];
      }
      return [
        {
          path: pathOf(view, 'name'),
          message: `triggers ${first} and ${view.index} are both called ${name}`,
        },
      ];
    });
  },
};

const sameTarget: Rule = {
  code: 'PL005',
  title: 'Two ScaledObjects for one workload',
  severity: 'error',
  reason: 'Two HPAs would pull at one replica count; KEDA’s webhook refuses the second ScaledObject.',
  fix: 'Put all triggers into one ScaledObject: the HPA takes the largest.',
  source: 'KEDA 2.20 apis/keda/v1alpha1/scaledobject_webhook.go, verifyScaledObjects',
  check: ({ manifest, earlier }) => {
    const twin = earlier.find(({ object }) => object === manifest.object);
    if (twin !== undefined) {
      return [
        {
          path: ['metadata', 'name'],
          message: `${manifest.object} stands twice in this file`,
          reason: 'kubectl applies one after the other, and the last wins.',
          fix: 'Remove one of the two.',
        },
      ];
    }
    const other = earlier.find((each) => targetOf(each) === targetOf(manifest));
    if (other === undefined) return [];
    const message = `${manifest.object} and ${other.object} both scale ${manifest.scaledObject.spec.scaleTargetRef.name}`;
    return [{ path: ['spec', 'scaleTargetRef', 'name'], message }];
  },
};

function targetOf({ scaledObject: { metadata, spec } }: Manifest): string {
  const { kind = 'Deployment', name } = spec.scaleTargetRef;
  return `${metadata.namespace ?? 'default'}/${kind}/${name}`;
}

const crossedBounds: Rule = {
  code: 'PL006',
  title: 'minReplicaCount is above maxReplicaCount',
  severity: 'error',
  reason: 'The API server refuses the ScaledObject.',
  fix: 'Lower the one or raise the other.',
  source: 'KEDA 2.20 CRD validation rule; maxReplicaCount is 100 where it is not given',
  check: ({ settings: { minReplicaCount: min, maxReplicaCount: max } }) =>
    min > max
      ? [{ path: ['spec', 'minReplicaCount'], message: `minReplicaCount ${min}, maxReplicaCount ${max}` }]
      : [],
};

const idleNotBelowMin: Rule = {
  code: 'PL007',
  title: 'idleReplicaCount is not below minReplicaCount',
  severity: 'error',
  reason:
    'KEDA refuses the ScaledObject: idle must be less than minReplicaCount, which is 0 where it is not given.',
  fix: 'To scale to zero leave idleReplicaCount out and set minReplicaCount: 0; to keep replicas set minReplicaCount alone.',
  source: 'KEDA 2.20 apis/keda/v1alpha1/scaledobject_types.go, CheckReplicaCountBoundsAreValid',
  check: ({ spec, settings: { idleReplicaCount: idle } }) => {
    // KEDA checks against the HPA's minimum, which is 1 for an explicit 0.
    const least = spec.minReplicaCount === undefined ? 0 : Math.max(1, spec.minReplicaCount);
    if (idle === null || idle < least) return [];
    const min = spec.minReplicaCount ?? '0, its default';
    return [
      { path: ['spec', 'idleReplicaCount'], message: `idleReplicaCount ${idle}, minReplicaCount ${min}` },
    ];
  },
};

const oddIdle: Rule = {
  code: 'PL008',
  title: 'idleReplicaCount other than 0 above a minimum',
  severity: 'warning',
  reason:
    'The HPA knows nothing of idle replicas and lifts them to its own minimum; only 0, where it is off, works.',
  fix: 'Use idleReplicaCount: 0 with the minReplicaCount you want while there is load, or leave it out.',
  source: 'KEDA 2.20 docs, reference/scaledobject-spec#idlereplicacount; kedacore/keda#2314',
  check: ({ spec, settings: { idleReplicaCount: idle } }) => {
    const path = ['spec', 'idleReplicaCount'];
    if (idle === 0 && spec.minReplicaCount === 0) {
      const reason = 'With minReplicaCount 0 KEDA scales to zero anyway; idleReplicaCount says it twice.';
      return [{ path, message: 'idleReplicaCount 0 beside minReplicaCount 0', reason, fix: 'Leave it out.' }];
    }
    const isRefused = idle !== null && idle >= (spec.minReplicaCount ?? 0);
    return idle === null || idle === 0 || isRefused ? [] : [{ path, message: `idleReplicaCount ${idle}` }];
  },
};

const unbounded: Rule = {
  code: 'PL009',
  title: 'maxReplicaCount is not set',
  severity: 'warning',
  reason: 'It is then 100: one wrong metric asks for a hundred GPUs.',
  fix: 'Set maxReplicaCount to what the node pool or the budget allows.',
  source: 'KEDA 2.20 apis/keda/v1alpha1/scaledobject_types.go, defaultHPAMaxReplicas',
  check: ({ spec, servesModels, triggers }: Subject) => {
    if (spec.maxReplicaCount !== undefined || !servesModels || triggers.every(hasOwnMaximum)) return [];
    return [{ path: ['spec'], message: 'no maxReplicaCount' }];
  },
};

function hasOwnMaximum({ ours }: TriggerView): boolean {
  return ours !== null && (ours.stated['maxReplicas'] !== undefined || ours.fromEnv.has('maxReplicas'));
}

/** Each with what it does while it is on. `paused-replicas` counts whatever its value. */
const ANNOTATIONS: Readonly<Record<string, string>> = {
  'autoscaling.keda.sh/paused': 'KEDA neither polls nor scales: observed, not one call to the scaler',
  'autoscaling.keda.sh/paused-replicas': 'KEDA holds this number of replicas and does not poll',
  'autoscaling.keda.sh/paused-scale-in': 'Nothing scales down, not even to zero',
  'autoscaling.keda.sh/paused-scale-out': 'Nothing scales up, not even from zero',
  'autoscaling.keda.sh/force-activation': 'The workload counts as active for ever and never goes to zero',
};

const pausedForGood: Rule = {
  code: 'PL060',
  title: 'An annotation that stops scaling is in the manifest',
  severity: 'warning',
  reason:
    'Such an annotation is for a moment of maintenance; in a manifest it comes back with every deployment.',
  fix: 'Remove the annotation; set it with kubectl annotate when it is needed.',
  source: 'KEDA 2.20 docs, concepts/scaling-deployments#pausing-autoscaling',
  check: ({ manifest }) =>
    Object.entries(manifest.scaledObject.metadata.annotations ?? {}).flatMap(([name, value]): Fault[] => {
      const effect = ANNOTATIONS[name];
      const isOn = name.endsWith('paused-replicas') || !saysFalse(value);
      if (effect === undefined || !isOn) return [];
      return [
        { path: ['metadata', 'annotations', name], message: `${name}: "${value}"`, reason: `${effect}.` },
      ];
    }),
};

export const manifestRules: readonly Rule[] = [
  UNREADABLE,
  noAddress,
  duplicateNames,
  sameTarget,
  crossedBounds,
  idleNotBelowMin,
  oddIdle,
  unbounded,
  pausedForGood,
];
