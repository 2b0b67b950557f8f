import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lintManifest } from '../../../src/policy/lint/lint.js';
import { shippedContext } from './shipped-profiles.js';

const EXAMPLES = new URL('../../../deploy/examples/', import.meta.url);
const context = shippedContext();

describe('the examples that are shipped', () => {
  const files = readdirSync(EXAMPLES).filter((file) => file.endsWith('.yaml'));

  it.each(files)('%s has no fault but the choice of its signal', (file) => {
    const findings = lintManifest(readFileSync(new URL(file, EXAMPLES), 'utf8'), file, context);
    expect(findings.filter(({ code }) => code !== 'PL012')).toEqual([]);
  });
});
