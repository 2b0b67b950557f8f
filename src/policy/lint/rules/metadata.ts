import { KEDA_DEFAULTS } from '../../manifest/defaults.js';
import type { Profile } from '../../profile.js';
import { DUTY_CYCLE, MEASURED_ON, WAITING_ALONE } from '../measured.js';
import { eachTrigger, type Fault, type Rule } from '../rule.js';
import { called, pathOf, type OurTrigger, type Subject, type TriggerView } from '../subject.js';

/** Rules about Pilotlight's own metadata. */
const wrongMetadata: Rule = {
  code: 'PL002',
  title: 'Metadata that Pilotlight refuses',
  severity: 'error',
  reason:
    'The scaler answers INVALID_ARGUMENT, so KEDA gets no metric: the ScaledObject is not Ready and has no HPA. ' +
    'KEDA’s webhook does not look into the metadata of external triggers.',
  fix: 'Correct the key or its value.',
  source: 'Pilotlight’s metadata schema',
  check: eachTrigger((view, { context }) => {
    const { ours } = view;
    if (ours === null) return [];
    return context
      .checkMetadata(ours.stated)
      .filter(({ key }) => !mayComeFromEnv(key, ours))
      .map(({ key, message, expected, nearest }): Fault => {
        const fix = nearest === null ? `Expected: ${expected}.` : `Write ${nearest}.`;
        return { path: pathOf(view, 'metadata', key), message, fix };
      });
  }),
};

/** What is missing here may be what the environment gives, or follow from it, as a target follows from `slots`. */
function mayComeFromEnv(key: string, { stated, fromEnv }: OurTrigger): boolean {
  return fromEnv.size > 0 && stated[key] === undefined;
}

const contradictingBounds: Rule = {
  code: 'PL010',
  title: 'The trigger’s replica bounds contradict the ScaledObject’s',
  severity: 'warning',
  reason:
    'KEDA and the HPA keep the ScaledObject’s bounds whatever is decided: of two that differ the stricter holds.',
  fix: 'Give both the same bounds, or leave minReplicas and maxReplicas out: the ScaledObject’s hold in any case, and access to the cluster makes them known.',
  source: 'KEDA 2.20 controllers/keda/hpa.go: the HPA’s bounds come from the ScaledObject alone',
  check: eachTrigger((view, subject) => [
    ...contradictingMinimum(view, subject),
    ...contradictingMaximum(view, subject),
  ]),
};

function contradictingMinimum(view: TriggerView, { spec, settings }: Subject): Fault[] {
  const least = stated(view, 'minReplicas');
  const min = settings.minReplicaCount;
  if (least === null || least === min) return [];
  const given =
    spec.minReplicaCount === undefined ? 'minReplicaCount is 0, its default' : `minReplicaCount is ${min}`;
  const reason =
    least > min
      ? `The trigger never asks for fewer than ${least}${settings.reachesZero ? ', so nothing ever scales to zero' : ''}.`
      : `KEDA keeps ${min} whatever the trigger allows.`;
  return [
    { path: pathOf(view, 'metadata', 'minReplicas'), message: `minReplicas is ${least}, ${given}`, reason },
  ];
}

function contradictingMaximum(view: TriggerView, { spec, settings, triggers }: Subject): Fault[] {
  const most = stated(view, 'maxReplicas');
  const max = settings.maxReplicaCount;
  if (most === null || most === max) return [];
  // Below the ScaledObject's it is a bound of this trigger's own, where other triggers can still reach the maximum.
  if (most < max && (triggers.length > 1 || spec.maxReplicaCount === undefined)) return [];
  const given =
    spec.maxReplicaCount === undefined
      ? `maxReplicaCount is ${KEDA_DEFAULTS.maxReplicaCount}, its default`
      : `maxReplicaCount is ${max}`;
  const reason =
    most > max
      ? `The HPA stops at ${max}, and what is planned above it never happens.`
      : `${max} replicas are never reached: no other trigger asks for them.`;
  return [
    { path: pathOf(view, 'metadata', 'maxReplicas'), message: `maxReplicas is ${most}, ${given}`, reason },
  ];
}

function stated({ ours }: TriggerView, key: string): number | null {
  const value = ours?.stated[key] ?? '';
  return /^\d+$/.test(value) ? Number(value) : null;
}

const sameProfile: Rule = {
  code: 'PL011',
  title: 'Two triggers read the same signal',
  severity: 'warning',
  reason:
    'The HPA takes the larger of two equal wishes; the second trigger costs a stream and calls, and decides nothing.',
  fix: 'Keep one trigger; several profiles fit into one: profile: a,b.',
  source: 'Kubernetes 1.36 pkg/controller/podautoscaler/horizontal.go: the largest metric wins',
  check: ({ triggers }) => {
    const seen = new Map<string, TriggerView>();
    return triggers.flatMap((view): Fault[] => {
      const signal = signalOf(view);
      const first = signal === null ? undefined : seen.get(signal);
      if (signal !== null && first === undefined) seen.set(signal, view);
      if (first === undefined) return [];
      const message = `${called(view)} reads what ${called(first)} reads`;
      return [{ path: pathOf(view, 'metadata', 'profile'), message }];
    });
  },
};

/** Everything that decides what is read; the rest only decides what is made of it. */
function signalOf({ ours }: TriggerView): string | null {
  if (ours === null || ours.fromEnv.size > 0) return null;
  const { profile = '', model, query, queue, service, workload, prometheusAddress } = ours.stated;
  const profiles = profile.split(',').map((name) => name.trim());
  return JSON.stringify([profiles.sort(), model, query, queue, service, workload, prometheusAddress]);
}

const cautioned: Rule = {
  code: 'PL012',
  title: 'A profile of waiting requests alone, or of a duty cycle',
  severity: 'warning',
  reason: 'Neither says how much of the capacity is in use.',
  fix: 'Prefer the load itself, requests waiting and running; pilotlight profiles lists what there is.',
  source: `${MEASURED_ON}; the profile’s own caution`,
  check: eachTrigger((view) => {
    const profiles = view.ours?.profiles ?? [];
    return profiles.flatMap(({ name, simulate, caution = '' }): Fault[] => {
      // Beside a profile that sees running requests the largest demand wins, and they are not forgotten.
      const isAlone = simulate === 'queue' && !profiles.some((other) => SEES_RUNNING.has(other.simulate));
      if (!isAlone && simulate !== 'dutyCycle') return [];
      const reason = isAlone ? WAITING_ALONE : DUTY_CYCLE;
      const message = `profile ${name}${caution === '' ? '' : `: ${caution.trim()}`}`;
      return [{ path: pathOf(view, 'metadata', 'profile'), message, reason }];
    });
  }),
};

const SEES_RUNNING: ReadonlySet<Profile['simulate']> = new Set(['running', 'concurrency', 'utilisation']);

export const metadataRules: readonly Rule[] = [wrongMetadata, contradictingBounds, sameProfile, cautioned];
