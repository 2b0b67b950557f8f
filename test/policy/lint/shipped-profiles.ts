import { readdirSync, readFileSync } from 'node:fs';
import type { LintContext } from '../../../src/policy/lint/subject.js';
import { compileProfiles } from '../../../src/policy/profiles.js';
import { compileTrigger } from '../../../src/policy/trigger.js';

const SCALERS = new URL('../../../scalers/', import.meta.url);

/** Lint as `pilotlight lint` runs it: with the profiles that are shipped and the real check of metadata. */
export function shippedContext(): LintContext {
  const files = readdirSync(SCALERS).filter((file) => file.endsWith('.yaml'));
  const profiles = compileProfiles(
    files.map((file) => ({ file, text: readFileSync(new URL(file, SCALERS), 'utf8') })),
  );
  return {
    profiles,
    checkMetadata: (metadata) => {
      const compiled = compileTrigger(metadata, profiles);
      return compiled.ok ? [] : compiled.problems;
    },
  };
}
