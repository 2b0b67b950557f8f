import type { Millis } from '../../core/time.js';
import type { Profile, ScrapeForm } from '../../policy/profile.js';
import type { ScrapeTarget } from '../../ports/scrape-targets.js';
import type { ObservedSeries } from './expression.js';
import type { ExpositionSample } from './sample-line.js';
import { pointOf, type History } from './snapshots.js';

/** Whom a value stands for: a pod or a Service, and of it one model when asked so. */
export interface Owner {
  readonly namespace: string;
  readonly pod: string | null;
  readonly service: string | null;
  readonly model: string | null;
}

/** The series of one owner, from whichever targets report it. */
export interface Owned {
  readonly owner: Owner;
  /** The youngest page that speaks of the owner. */
  readonly at: Millis;
  readonly series: readonly ObservedSeries[];
}

export interface Question {
  readonly profile: Profile;
  readonly form: ScrapeForm;
  /** The names that the form needs; a page may hold those of other profiles too. */
  readonly names: ReadonlySet<string>;
  readonly byModel: boolean;
}

/** Sorts series by owner. What several targets say of one owner is pooled, as `sum by (pod)` pools it. */
export interface Owners {
  add(target: ScrapeTarget, history: History): void;
  all(): Owned[];
}

export function createOwners({ profile, form, names, byModel }: Question): Owners {
  const owners = new Map<string, { owner: Owner; at: Millis; series: ObservedSeries[] }>();
  const modelLabel = byModel ? profile.model : undefined;

  function seriesOf(owner: Owner, at: Millis): ObservedSeries[] {
    const key = JSON.stringify([owner.namespace, owner.pod, owner.service, owner.model]);
    const entry = owners.get(key) ?? { owner, at, series: [] };
    entry.at = Math.max(entry.at, at);
    owners.set(key, entry);
    return entry.series;
  }

  function ownerOf(target: ScrapeTarget, sample: ExpositionSample): Owner | null {
    const whose = target.kind === 'pod' ? podOf(target) : labelled(sample, profile, form);
    if (whose === null || modelLabel === undefined) return whose;
    const model = sample.labels.get(modelLabel) ?? '';
    return model === '' ? null : { ...whose, model };
  }

  return {
    add(target, { page, earlier }) {
      let spoken = false;
      for (const sample of page.samples) {
        if (!names.has(sample.name)) continue;
        const owner = ownerOf(target, sample);
        if (owner === null) continue; // a GPU that no pod holds, or a series of no model
        seriesOf(owner, page.at).push({ sample, at: pointOf(sample, page.at).at, earlier });
        spoken = true;
      }
      // A pod whose page has none of it is there all the same: the profile may say what that means.
      if (!spoken && target.kind === 'pod') seriesOf(podOf(target), page.at);
    },
    all: () => [...owners.values()],
  };
}

function podOf({ namespace, pod }: Extract<ScrapeTarget, { kind: 'pod' }>): Owner {
  return { namespace, pod, service: null, model: null };
}

function labelled(sample: ExpositionSample, profile: Profile, form: ScrapeForm): Owner | null {
  if (!('labels' in form)) return null;
  const ofPod = profile.series === 'pod';
  const namespace = firstLabel(sample, form.labels.namespace);
  const name = firstLabel(sample, ofPod ? form.labels.pod : form.labels.service);
  if (namespace === null || name === null) return null;
  return { namespace, pod: ofPod ? name : null, service: ofPod ? null : name, model: null };
}

function firstLabel(sample: ExpositionSample, labels: readonly string[] = []): string | null {
  for (const label of labels) {
    const value = sample.labels.get(label);
    if (value !== undefined && value !== '') return value;
  }
  return null;
}
