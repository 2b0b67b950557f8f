import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterAssembly, labelSetsFor } from '../../../src/signals/prometheus/assembly.js';
import { elementOf } from '../../../src/signals/prometheus/element.js';
import { elementReader } from '../../../src/signals/prometheus/element-text.js';
import { rememberedLabelSets, type LabelSets } from '../../../src/signals/prometheus/label-sets.js';
import { pair, profile, T } from './support.js';

const ASKED = T * 1000;
const sets = () => labelSetsFor(profile(), false);

/** Elements as they stand in a body, between its brackets. */
function bodyOf(elements: readonly unknown[], indent?: number): Buffer {
  return Buffer.from(JSON.stringify(elements, null, indent).slice(1, -1));
}

function fromText(text: Buffer, known: LabelSets = sets()) {
  const assembly = clusterAssembly(profile(), false, ASKED, known);
  assembly.addText(text);
  return assembly.finish();
}

function fromJson(text: Buffer) {
  const assembly = clusterAssembly(profile(), false, ASKED);
  for (const element of JSON.parse(`[${text.toString()}]`) as unknown[]) assembly.add(elementOf(element));
  return assembly.finish();
}

/** How much of it is understood without JSON.parse of the whole. */
function understood(text: string): number {
  return elementReader(sets(), () => undefined)(text);
}

const nasty = fc.oneof(
  fc.constantFrom(
    ',"value":[',
    '},"value":[1,"2"]}',
    '},{"metric":',
    '\\',
    '"',
    '"]}',
    '語',
    '🚀',
    '\u2028',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const element = fc
  .record({
    labels: fc.dictionary(fc.oneof(nasty, fc.constantFrom('model', 'value', 'metric')), nasty, {
      maxKeys: 3,
    }),
    pod: fc.oneof(fc.constantFrom('a', 'b', ''), nasty),
    part: fc.constantFrom('value', 'at', 'weight'),
    time: fc.constantFrom(T, T + 0.5, T + 0.55, -1),
    value: fc.oneof(fc.double().map(String), fc.constantFrom('NaN', '+Inf', '-Inf', '-0', '1e-7')),
  })
  .map(({ labels, pod, part, time, value }) => ({
    metric: { ...labels, namespace: 'shop', pilotlight: part, pod },
    value: [time, value.replace(/^-?Infinity$/, '+Inf')],
  }));

describe('elements read as text', () => {
  it('come to what JSON.parse makes of them, whatever their labels, also when they are known already', () => {
    fc.assert(
      fc.property(fc.array(fc.array(element, { maxLength: 12 }), { maxLength: 4 }), (answers) => {
        const known = sets();
        for (const answer of [...answers, ...answers]) {
          const text = bodyOf(answer);
          expect(fromText(text, known)).toEqual(fromJson(text));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are all understood in the form in which Prometheus writes them, in whatever order', () => {
    const elements = Array.from({ length: 50 }, (_, i) => pair(`pod-${i}`, `${i}`, i)).flat();
    const known = sets();
    for (const answer of [elements, elements.toReversed(), elements.slice(20), elements]) {
      const text = bodyOf(answer);
      expect(elementReader(known, () => undefined)(text.toString('latin1'))).toBe(text.length);
      expect(fromText(text, known)).toEqual(fromJson(text));
    }
    expect(known.size()).toBe(100);
  });

  it('one label set that begins like another is not taken for it', () => {
    const known = sets();
    fromText(bodyOf([...pair('a', '1'), ...pair('ab', '2')]), known);
    const { series } = fromText(bodyOf([...pair('ab', '3'), ...pair('a', '4')]), known);
    expect(series.map(({ sample }) => [sample.pod, sample.value])).toEqual([
      ['ab', 3],
      ['a', 4],
    ]);
  });

  const first = '{"metric":{"pod":"a"},"value":[1,"2"]}';
  it.each([
    ['indented', '{ "metric":{"pod":"b"},"value":[1,"2"]}'],
    ['with the value first', '{"value":[1,"2"],"metric":{"pod":"b"}}'],
    ['with an escape in the value', '{"metric":{"pod":"b"},"value":[1,"\\u0032"]}'],
    ['with more after the value', '{"metric":{"pod":"b"},"value":[1,"2"],"histogram":[]}'],
    ['with a time that JSON does not know', '{"metric":{"pod":"b"},"value":[0x1,"2"]}'],
    ['with a value that is no text', '{"metric":{"pod":"b"},"value":[1,2]}'],
    ['with labels that are no object', '{"metric":["b"],"value":[1,"2"'],
    ['with labels that are no JSON', '{"metric":{"pod":b},"value":[1,"2"]}'],
    ['without an end', '{"metric":{"pod":"b"},"value":[1,"2'],
    ['with histograms instead', '{"metric":{"pod":"b"},"histogram":[1,{}]}'],
  ])('one %s is left to the whole parse', (_, other) => {
    expect(understood(first)).toBe(first.length);
    expect(understood(`${first},${other}`)).toBe(first.length + 1);
    expect(understood(`${first},${other},${first}`)).toBe(first.length + 1);
  });

  it('a value that is no number refuses the answer', () => {
    expect(() => fromText(bodyOf(pair('a', 'lots')))).toThrow(/not a labelled sample/);
  });

  it('an answer without the label that tells the parts apart is refused', () => {
    expect(() => fromText(Buffer.from(first))).toThrow(/lacks the label pilotlight/);
  });
});

describe('label sets', () => {
  const answer = (from: number, count: number) =>
    bodyOf(Array.from({ length: count }, (_, i) => pair(`pod-${from + i}`, '1')).flat());

  it('are remembered from answer to answer, and begun anew when most are of pods that are gone', () => {
    const next = rememberedLabelSets(sets);
    const before = next();
    fromText(answer(0, 2000), before);
    expect(next()).toBe(before);
    fromText(answer(2000, 200), before);
    const after = next();
    expect(after).not.toBe(before);
    expect(after.size()).toBe(0);
    fromText(answer(2000, 200), after);
    expect(next()).toBe(after);
  });

  it('stand through attempts that bring nothing', () => {
    const next = rememberedLabelSets(sets);
    const known = next();
    fromText(answer(0, 2000), known);
    expect([next(), next(), next()]).toEqual([known, known, known]);
  });
});
