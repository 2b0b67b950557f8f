import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lines } from '../../src/cluster/client/lines.js';
import { ListItems, pageOf } from '../../src/cluster/client/list-items.js';
import { recordedList } from '../support/cluster-under-test.js';

function taken(text: string, cuts: readonly number[]): { items: object[]; envelope: object } {
  const items: object[] = [];
  const splitter = new ListItems((item) => items.push(item));
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  );
  for (const [index, from] of at.entries()) splitter.add(bytes.subarray(from, at[index + 1] ?? bytes.length));
  return { items, envelope: splitter.end() };
}

function withoutManagedFields(item: { metadata?: Record<string, unknown> }): object {
  const { metadata } = item;
  if (typeof metadata !== 'object' || metadata === null || !('managedFields' in metadata)) return item;
  const { managedFields } = metadata;
  const isTree = typeof managedFields === 'object';
  return { ...item, metadata: { ...metadata, managedFields: isTree ? null : managedFields } };
}

const word = fc.oneof(
  fc.string(),
  fc.constantFrom('managedFields', '"', '\\', '[', '}', '{"a":[', '\\"', 'é€😀'),
);
const json = fc.jsonValue({ maxDepth: 3 });
const item = fc.record({
  metadata: fc.record({
    name: word,
    annotations: fc.dictionary(word, word),
    managedFields: fc.oneof(fc.array(json), fc.constant(null), word),
    labels: fc.dictionary(word, word),
  }),
  managedFields: json,
  spec: json,
});
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('a list taken apart', () => {
  it('gives the items that JSON.parse gives, wherever its chunks are cut', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 4 }),
        cuts,
        fc.boolean(),
        fc.nat(2),
        (items, where, last, indent) => {
          const metadata = { resourceVersion: '7', continue: 'x' };
          const list = last ? { items, kind: 'L', metadata } : { kind: 'L', metadata, items };
          // Through JSON once, because -0 does not survive it.
          const expected = (JSON.parse(JSON.stringify(items)) as typeof items).map(withoutManagedFields);
          const found = taken(JSON.stringify(list, null, indent), where);
          expect(found.items).toEqual(expected);
          expect(found.envelope).toEqual({ kind: 'L', metadata, items: [] });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses one that breaks off, at whatever byte', () => {
    const text = JSON.stringify({
      kind: 'L',
      metadata: {},
      items: [{ metadata: { managedFields: [1] } }, { a: '}' }],
    });
    for (let length = 0; length < text.length; length += 1) {
      expect(() => taken(text.slice(0, length), []), `${length} bytes`).toThrow(/the API server sent/);
    }
  });

  it.each(['', 'no JSON', '[]', '{"kind":"Status"}', '{"items":{}}', '}', '<html>'])('refuses %j', (text) => {
    expect(() => taken(text, [])).toThrow(/the API server sent/);
  });

  it('reads the recorded lists, whose items come first or last', () => {
    for (const resource of ['nodes', 'scaledobjects', 'deployments', 'pods']) {
      const text = recordedList(resource);
      const { items, envelope } = taken(text, [100, 1000, 2000]);
      const whole = JSON.parse(text) as { items: object[] };
      expect(items).toEqual(whole.items.map(withoutManagedFields));
      expect(pageOf(envelope as never)).toEqual({ resourceVersion: '281', next: null });
    }
  });

  it('takes an empty list that Go wrote as null', () => {
    expect(taken('{"items":null,"metadata":{"resourceVersion":"3"}}', []).items).toEqual([]);
  });
});

describe('lines of a watch', () => {
  it('are the same wherever the chunks are cut', () => {
    fc.assert(
      fc.property(fc.array(word.filter((each) => !each.includes('\n'))), cuts, (lines, where) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new Lines();
        const at = [0, ...where.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const found = at.flatMap((from, index) =>
          splitter.add(bytes.subarray(from, at[index + 1] ?? bytes.length)),
        );
        expect(found).toEqual(lines.map((line) => Buffer.from(line).toString()));
        expect(splitter.isOpen).toBe(false);
      }),
    );
  });
});
