import { kedaSettings } from '../../policy/manifest/defaults.js';
import type { Profiles, Trigger } from '../../policy/trigger.js';
import { loopsOf, type Loops } from '../pilotlight/loops.js';
import { ManifestError, readManifest, replayTrigger, type ReplicaCapacity } from '../pilotlight/manifest.js';
import type { Setup } from '../setup.js';
import type { Change } from './space.js';
import { withChanges } from './write.js';

/** What all settings of a search share. */
export interface Base {
  readonly text: string;
  readonly file: string;
  readonly profiles: Profiles;
  /** As given, before the replay's whole seconds. */
  readonly given: ReplicaCapacity;
  readonly setup: Setup;
  /** Whether the setup's most replicas hold for all settings, instead of each ScaledObject's own. */
  readonly maxIsGiven: boolean;
}

/** One setting, ready to run. Plain data: it travels to other processes. */
export interface Candidate {
  readonly changes: readonly Change[];
  /** `namespace/name` */
  readonly object: string;
  readonly trigger: Trigger;
  readonly loops: Loops;
  readonly maxReplicas: number;
  /** Two settings with the same one run alike, whatever they are written like. */
  readonly fingerprint: string;
}

export type Prepared =
  | { readonly ok: true; readonly candidate: Candidate }
  /** The values do not go together; why. */
  | { readonly ok: false; readonly why: string };

/** The manifest that would be written, read as a user would apply it: what is replayed is what is printed. */
export function prepare(base: Base, changes: readonly Change[]): Prepared {
  try {
    const manifest = readManifest(withChanges(base.text, changes).file, base.file);
    const { spec, object } = manifest;
    const maxReplicas = base.maxIsGiven ? base.setup.maxReplicas : kedaSettings(spec).maxReplicaCount;
    const trigger = replayTrigger(manifest, base.given, maxReplicas, base.profiles);
    const loops = loopsOf(spec, trigger.metricSpecs, maxReplicas);
    const fingerprint = fingerprintOf(trigger, loops, maxReplicas);
    return { ok: true, candidate: { changes, object, trigger, loops, maxReplicas, fingerprint } };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return { ok: false, why: withoutPlace(error.message) };
  }
}

function fingerprintOf({ policy, profiles, wake }: Trigger, loops: Loops, maxReplicas: number): string {
  const { idleReplicaCount, minReplicaCount } = loops.keda;
  // The cooldown is the time to zero, and means nothing to a ScaledObject that keeps a replica.
  const sleeps = (idleReplicaCount ?? minReplicaCount) === 0;
  const keda = sleeps ? loops.keda : { ...loops.keda, cooldownPeriod: 0 };
  const names = profiles.map(({ name }) => name);
  return JSON.stringify([policy, names, wake?.name ?? null, { ...loops, keda }, maxReplicas]);
}

/** The line is one of a file that nobody has seen. */
function withoutPlace(message: string): string {
  const [first = ''] = message.split('\n', 1);
  return first.replace(/^.*?:\d+: /, '').replace(/\.$/, '');
}
