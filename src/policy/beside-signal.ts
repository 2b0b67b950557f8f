import type { Profile } from './profile.js';

/** What pods report beside a profile's signal, and in which unit. */
const UNITS = { served: 'requests', modelLoad: 'seconds' } as const;
type Beside = keyof typeof UNITS;

const known = new WeakMap<Profile, Map<Beside, Profile | null>>();

/**
 * A profile of the requests that have left the pods so far, read as any other: one query for all workloads, or the page
 * that has the signal. Made once for each profile, so that what sources remember of a profile holds.
 *
 * @returns null where the profile does not say how to read them
 */
export function servedProfile(profile: Profile): Profile | null {
  return besideOf(profile, 'served');
}

/** The same of the seconds that the model server itself took to load a pod's models: the longest of them. */
export function modelLoadProfile(profile: Profile): Profile | null {
  return besideOf(profile, 'modelLoad');
}

function besideOf(profile: Profile, beside: Beside): Profile | null {
  const ofProfile = known.get(profile) ?? new Map<Beside, Profile | null>();
  known.set(profile, ofProfile);
  const made = ofProfile.get(beside);
  if (made !== undefined) return made;
  const fresh = newProfile(profile, beside);
  ofProfile.set(beside, fresh);
  return fresh;
}

function newProfile(profile: Profile, beside: Beside): Profile | null {
  const { prometheus, scrape } = profile;
  const form = profile[beside];
  if (form === undefined) return null;
  return {
    ...profile,
    name: `${profile.name} ${beside}`,
    unit: UNITS[beside],
    kind: 'extensive',
    absence: 'unknown',
    prometheus: 'none' in prometheus ? prometheus : form.prometheus,
    scrape:
      'none' in scrape ? scrape : { ...scrape, value: form.scrape, weight: undefined, otherwise: undefined },
  };
}
