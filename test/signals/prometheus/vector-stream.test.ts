import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVectorStream, parseElements } from '../../../src/signals/prometheus/vector-stream.js';

interface Body {
  data: { result: unknown[] };
}

function readInPieces(body: Buffer, sizes: readonly number[], maxBytes = 1 << 26) {
  const taken: unknown[] = [];
  const stream = createVectorStream(maxBytes, (text) => taken.push(...parseElements(text)));
  let from = 0;
  for (let i = 0; from < body.length; i += 1) {
    const to = from + (sizes[i % sizes.length] ?? 1);
    stream.push(body.subarray(from, to));
    from = to;
  }
  const whole = stream.end() as Body;
  return { elements: [...taken, ...whole.data.result], early: taken.length, whole };
}

function body(elements: readonly unknown[], more: Record<string, unknown> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ status: 'success', data: { resultType: 'vector', result: elements }, ...more }),
  );
}

const many = (count: number, width = 30) =>
  Array.from({ length: count }, (_, i) => ({
    metric: { pod: `pod-${i}-${'é'.repeat(width)}` },
    value: [1, `${i}`],
  }));

/** Labels that look like the text between elements, or are cut inside a character. */
const nasty = fc.oneof(
  fc.constantFrom('},{"metric":', '[{"metric":', '"},{"metric":{', '\\', '\\"', '語', '🚀', '}]}', '\u2028'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const element = fc.record({
  metric: fc.dictionary(fc.oneof(fc.constantFrom('metric', 'pod'), nasty), nasty, { maxKeys: 4 }),
  value: fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), nasty),
});

describe('vector stream', () => {
  it('gives the elements that JSON.parse would, whatever their labels and wherever the body is cut', () => {
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        (elements, sizes, padded) => {
          // Padding takes the body beyond one batch, so that the splitting is at work.
          const all = padded ? [...many(700), ...elements, ...many(700), ...elements] : elements;
          const text = body(all);
          const { elements: read, early } = readInPieces(
            text,
            padded ? sizes.map((size) => size * 97) : sizes,
          );
          expect(read).toEqual((JSON.parse(text.toString()) as Body).data.result);
          if (padded) expect(early).toBeGreaterThan(500);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps what surrounds the elements', () => {
    const { whole } = readInPieces(body(many(3000), { warnings: ['w'], infos: ['i'] }), [9000]);
    expect(whole).toMatchObject({
      status: 'success',
      warnings: ['w'],
      infos: ['i'],
      data: { resultType: 'vector' },
    });
  });

  it('reads indented JSON up to a mebibyte, and says so beyond', () => {
    const indented = (count: number) =>
      Buffer.from(JSON.stringify(JSON.parse(body(many(count)).toString()), null, 2));
    expect(readInPieces(indented(2000), [5000]).elements).toEqual(many(2000));
    expect(() => readInPieces(indented(20_000), [5000])).toThrow(/not a compact vector/);
  });

  it('refuses an element that is larger than a batch', () => {
    const elements = [...many(5), ...many(1, 40_000), ...many(2000)];
    expect(() => readInPieces(body(elements), [16_384])).toThrow(/one element has more than 65536 bytes/);
  });

  it('refuses a body over the limit as soon as it is over', () => {
    expect(() => readInPieces(body(many(1000)), [100], 5000)).toThrow(/more than 5000 bytes/);
  });

  it.each([
    ['in the middle of an element', (text: Buffer) => text.subarray(0, text.length - 40)],
    ['after the last element', (text: Buffer) => text.subarray(0, text.length - 2)],
    ['in the first batch', (text: Buffer) => text.subarray(0, 100)],
    ['with more behind the end', (text: Buffer) => Buffer.concat([text, Buffer.from('{}')])],
  ])('refuses a body that ends %s', (_, cut) => {
    expect(() => readInPieces(cut(body(many(2000))), [10_000])).toThrow(/not JSON, or it ends too early/);
  });

  it('refuses a batch that is not JSON', () => {
    const text = body(many(3000)).toString().replace('"pod-900-', 'pod-900-');
    expect(() => readInPieces(Buffer.from(text), [10_000])).toThrow(/not JSON/);
  });

  it('takes a body in single bytes without copying it over and over', () => {
    expect(readInPieces(body(many(3000)), [1]).elements).toHaveLength(3000);
  });
});
