import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/policy/lint/finding.js';
import { lintManifest } from '../../../src/policy/lint/lint.js';
import { RULES } from '../../../src/policy/lint/registry.js';
import { shippedContext } from './shipped-profiles.js';

/**
 * Labelled manifests: what others publish, rebuilt, and near misses. Each says in its first comments what lint must
 * find, `# expect: PL022@17, PL033@17` or `# expect: none`, and what it must not: `# near: PL030`. A severity is named
 * where it is not the rule's own: `PL022@17:warning`.
 */
const CORPUS = new URL('corpus/', import.meta.url);
const context = shippedContext();

interface Labelled {
  readonly file: string;
  readonly text: string;
  /** `PL022@17`, in the order of lines. */
  readonly expected: readonly string[];
  readonly near: readonly string[];
}

const corpus = readdirSync(CORPUS).map((file): Labelled => {
  const text = readFileSync(new URL(file, CORPUS), 'utf8');
  const expected = labels(text, 'expect');
  return { file, text, expected: expected[0] === 'none' ? [] : expected, near: labels(text, 'near') };
});

function labels(text: string, key: string): string[] {
  const line = new RegExp(`^# ${key}: (.+)$`, 'm').exec(text)?.[1];
  return line === undefined ? [] : line.split(',').map((label) => label.trim());
}

function labelOf({ code, line, severity }: Finding): string {
  const usual = RULES.find((rule) => rule.code === code)?.severity;
  return `${code}@${line}${severity === usual ? '' : `:${severity}`}`;
}

describe('the corpus', () => {
  it.each(corpus)('$file', ({ file, text, expected, near }) => {
    const findings = lintManifest(text, file, context);
    expect(findings.map(labelOf)).toEqual(expected);
    for (const { code } of findings) expect(near).not.toContain(code);
  });

  it('every file says what is expected', () => {
    expect(corpus.filter(({ text }) => labels(text, 'expect').length === 0)).toEqual([]);
  });

  it.each(RULES.map(({ code, title }) => ({ code, title })))(
    '$code is hit and nearly hit: $title',
    ({ code }) => {
      const hits = corpus.filter(({ expected }) => expected.some((label) => label.startsWith(`${code}@`)));
      const misses = corpus.filter(({ near }) => near.includes(code));
      expect(hits.length).toBeGreaterThan(0);
      expect(misses.length).toBeGreaterThan(0);
    },
  );
});
