import type { Profiles } from '../policy/trigger.js';
import type { Load } from '../replay/load.js';
import { replayTrigger, type ReplayManifest } from '../replay/pilotlight/manifest.js';
import { arrivalQuery } from '../replay/pilotlight/prometheus-range.js';
import { UsageError } from './command.js';
import { asUsage, inputFaultsAsUsage, loadFrom, type Flags } from './replay-inputs.js';
import { loadFromPrometheus, rangeOf, unitOf } from './replay-prometheus.js';

export interface Source {
  readonly name: string;
  readonly load: Load;
}

/** The load, from a file or a Prometheus. @throws UsageError */
export async function sourceOf(flags: Flags, manifest: ReplayManifest, profiles: Profiles): Promise<Source> {
  const { trace, prometheus } = flags;
  if (typeof trace === 'string' && prometheus === undefined) return { name: trace, load: loadFrom(trace) };
  if (typeof prometheus !== 'string' || trace !== undefined) {
    throw new UsageError('expected a load: either --trace FILE or --prometheus URL');
  }
  const range = rangeOf(flags);
  const given = flags['query'];
  const query = typeof given === 'string' ? given : ownQuery(manifest, range.step, profiles);
  const unit = typeof given === 'string' ? unitOf(flags) : 'rate';
  const load = await loadFromPrometheus(prometheus, query, range, unit, flags).catch((error: unknown) => {
    throw asUsage(error);
  });
  return { name: prometheus, load };
}

function ownQuery(manifest: ReplayManifest, step: number, profiles: Profiles): string {
  const { slots, serviceTime } = manifest;
  const capacity = { slots: slots ?? 1, serviceTime: serviceTime ?? 1 };
  const trigger = inputFaultsAsUsage(() => replayTrigger(manifest, capacity, 1, profiles));
  const query = arrivalQuery(trigger, manifest.object, step);
  if (query !== null) return query;
  throw new UsageError(
    `--query: no profile of ${manifest.object} knows its arrivals; give PromQL for requests a second`,
  );
}
