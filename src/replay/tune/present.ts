import { hpaBehavior, HPA_DEFAULTS, kedaSettings } from '../../policy/manifest/defaults.js';
import type { Trigger } from '../../policy/trigger.js';
import type { ReplayManifest } from '../pilotlight/manifest.js';
import { decimal } from './decimal.js';
import type { Knob } from './knob.js';
import { NOW, type Space } from './space.js';

/** The space with the values that hold now, for `now` and beside it. */
export function withPresent(space: Space, manifest: ReplayManifest, trigger: Trigger): Space {
  return space.map((dimension) => {
    const present = presentValue(dimension.knob, manifest, trigger);
    if (present === null) return dimension;
    const options = dimension.options.map((option) =>
      option.value === null && option.shown === NOW ? { value: null, shown: present } : option,
    );
    return { ...dimension, options, present };
  });
}

/** What the manifest says of a knob, else the default that holds; null where nothing does. */
function presentValue(
  { key, of }: Knob,
  { metadata, spec }: ReplayManifest,
  trigger: Trigger,
): string | null {
  if (of === 'spec') return text(specValues(spec)[key]);
  if (key === 'target') return trigger.policy.signals.map(({ target }) => decimal(target)).join('/');
  return metadata[key] ?? text(metadataDefaults(trigger)[key]);
}

type Values = Readonly<Record<string, string | number | null | undefined>>;

function metadataDefaults({ policy, wake }: Trigger): Values {
  const { tolerance, minReplicas, maxReplicas, burst, forecast, output } = policy;
  const words = { burst: burst ? 'on' : 'off', scaleDownWindow: '0s', wake: wake?.name ?? 'none' };
  return { tolerance, minReplicas, maxReplicas, forecast, output, ...words };
}

function specValues(spec: ReplayManifest['spec']): Values {
  const { pollingInterval, cooldownPeriod, minReplicaCount, maxReplicaCount, idleReplicaCount } =
    kedaSettings(spec);
  const behavior = hpaBehavior(spec);
  return {
    pollingInterval,
    cooldownPeriod,
    minReplicaCount,
    maxReplicaCount,
    idleReplicaCount,
    'scaleDown.stabilizationWindowSeconds':
      behavior?.scaleDown.stabilizationWindowSeconds ?? HPA_DEFAULTS.scaleDownStabilization,
    'scaleDown.tolerance': behavior?.scaleDown.tolerance ?? HPA_DEFAULTS.tolerance,
    'scaleDown.selectPolicy': behavior?.scaleDown.selectPolicy,
    'scaleUp.stabilizationWindowSeconds': behavior?.scaleUp.stabilizationWindowSeconds ?? 0,
    'scaleUp.tolerance': behavior?.scaleUp.tolerance ?? HPA_DEFAULTS.tolerance,
    'scaleUp.selectPolicy': behavior?.scaleUp.selectPolicy,
  };
}

function text(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
