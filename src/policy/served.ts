import type { Profile } from './profile.js';

const known = new WeakMap<Profile, Profile | null>();

/**
 * A profile of the requests that have left the pods so far, read as any other: one query for all workloads, or the page
 * that has the signal. Made once for each profile, so that what sources remember of a profile holds.
 *
 * @returns null where the profile does not say how to read them
 */
export function servedProfile(profile: Profile): Profile | null {
  const made = known.get(profile);
  if (made !== undefined) return made;
  const served = newServedProfile(profile);
  known.set(profile, served);
  return served;
}

function newServedProfile(profile: Profile): Profile | null {
  const { served, prometheus, scrape } = profile;
  if (served === undefined) return null;
  return {
    ...profile,
    name: `${profile.name} served`,
    unit: 'requests',
    kind: 'extensive',
    absence: 'unknown',
    prometheus: 'none' in prometheus ? prometheus : served.prometheus,
    scrape:
      'none' in scrape
        ? scrape
        : { ...scrape, value: served.scrape, weight: undefined, otherwise: undefined },
  };
}
