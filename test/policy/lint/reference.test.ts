import { describe, expect, it } from 'vitest';
import { lintReference } from '../../../src/policy/lint/reference.js';
import { RULES } from '../../../src/policy/lint/registry.js';

describe('the registry', () => {
  it('has each code once, in order', () => {
    const codes = RULES.map(({ code }) => code);
    expect(codes).toEqual([...new Set(codes)].toSorted());
    for (const code of codes) expect(code).toMatch(/^PL\d{3}$/);
  });

  it.each(RULES.map((rule) => ({ code: rule.code, rule })))(
    '$code says why, what to do and who says so',
    ({ rule }) => {
      expect(rule.title).toMatch(/[^.]$/);
      expect(rule.reason).toMatch(/\.$/);
      expect(rule.fix).toMatch(/\.$/);
      expect(rule.source).toMatch(/[^.]$/);
    },
  );
});

describe('lintReference', () => {
  const page = lintReference();

  it('links every code to its section', () => {
    const anchors = [...page.matchAll(/^\| \[(PL\d{3})\]\(#([^)]+)\)/gm)].map(([, code, anchor]) => ({
      code,
      anchor,
    }));
    const headings = [...page.matchAll(/^## (PL\d{3}: .+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
        .replaceAll(' ', '-'),
    );
    expect(anchors.map(({ code }) => code)).toEqual(RULES.map(({ code }) => code));
    expect(anchors.map(({ anchor }) => anchor)).toEqual(headings);
  });

  it('prints every reason, fix and source', () => {
    for (const { reason, fix, source } of RULES) {
      for (const part of [reason, fix, source]) expect(page).toContain(part);
    }
  });
});
