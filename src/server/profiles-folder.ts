import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileProfiles, ProfileError, type ProfileFile } from '../policy/profiles.js';
import type { Profiles } from '../policy/trigger.js';

const OWN = fileURLToPath(new URL('../../scalers/', import.meta.url));

/**
 * The profiles that come with Pilotlight and those of the team's folder. A name that is in both is refused, so that an
 * upgrade cannot change what a team's own profile means, nor the other way around.
 *
 * @throws ProfileError naming file, line and what was expected
 */
export function loadProfiles(folder: string | undefined): Profiles {
  return compileProfiles([...filesIn(OWN), ...(folder === undefined ? [] : filesIn(folder))]);
}

function filesIn(folder: string): ProfileFile[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProfileError(folder, [{ line: 1, message: `expected a folder of profiles: ${why}` }]);
  }
  return names
    .toSorted()
    .map((name) => ({ file: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }));
}
