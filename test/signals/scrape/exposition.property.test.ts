import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../../src/signals/scrape/exposition.js';
import type { ExpositionFormat } from '../../../src/signals/scrape/sample-line.js';
import { EXPOSITIONS, exposition } from './support.js';

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\\', '"', '\n', '\r', '{', '}', ' ', '\0', 'é', '🔥'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});
const classicName = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,10}$/);
const classicLabel = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/);
const anyName = fc.oneof(
  classicName,
  text.filter((name) => name !== ''),
);
const labels = fc.uniqueArray(fc.tuple(fc.oneof(classicLabel, anyName), text), {
  selector: ([label]) => label,
  maxLength: 6,
});
const sample = fc.record({
  name: anyName,
  labels,
  value: fc.double(),
  timestamp: fc.option(fc.integer({ min: -1e12, max: 2e12 })),
  exemplar: fc.boolean(),
});
type Printed = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

function print(
  { name, labels: pairs, value, timestamp, exemplar }: Printed,
  format: ExpositionFormat,
): string {
  const inside = pairs.map(
    ([label, content]) => `${/^[a-zA-Z_]\w*$/.test(label) ? label : quoted(label)}=${quoted(content)}`,
  );
  const classic = /^[a-zA-Z_:][\w:]*$/.test(name);
  const head = classic ? `${name}{${inside.join(',')}}` : `{${[quoted(name), ...inside].join(',')}}`;
  const stamp = timestamp === null ? '' : ` ${format === 'openmetrics' ? timestamp / 1000 : timestamp}`;
  return `${head} ${number(value)}${stamp}${exemplar ? ' # {a="\\"}"} 1 2.5' : ''}\n`;
}

describe('the parser', () => {
  it.each(['prometheus', 'openmetrics'] as const)('reads what was printed (%s)', (format) => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 5 }), (samples) => {
        const page = samples.map((one) => print(one, format)).join('') + '# EOF\n';
        const parsed = parseExposition(page, { format });
        if (parsed.kind === 'malformed') throw new Error(`${parsed.line}: ${parsed.why}`);
        const first = new Map<string, Printed>();
        for (const one of samples) {
          const key = JSON.stringify([one.name, [...one.labels].sort(([a], [b]) => (a < b ? -1 : 1))]);
          if (!first.has(key)) first.set(key, one);
        }
        expect(parsed.duplicates).toBe(samples.length - first.size);
        expect(parsed.samples).toHaveLength(first.size);
        for (const [index, one] of [...first.values()].entries()) {
          const read = parsed.samples[index]!;
          expect(read.name).toBe(one.name);
          expect([...read.labels]).toEqual(one.labels);
          expect(read.value).toBe(one.value);
          if (one.timestamp === null) expect(read.timestamp).toBeNull();
          else expect(read.timestamp).toBeCloseTo(one.timestamp, 3);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('answers any text with a page or a fault, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('a_9:{}",=\\\n #.+-eE\r\t')) }),
        ),
        fc.constantFrom<ExpositionFormat>('prometheus', 'openmetrics'),
        (page, format) => {
          const parsed = parseExposition(page, { format });
          if (parsed.kind === 'malformed')
            expect(parsed.line).toBeLessThanOrEqual(page.split('\n').length + 1);
          else expect(parsed.samples.length).toBeLessThanOrEqual(page.split('\n').length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('answers damaged pages of real servers, and reads as many samples at most as there were lines', () => {
    const pages = EXPOSITIONS.map(exposition).map((page) => page.slice(0, 6000));
    const damage = fc.record({
      page: fc.constantFrom(...pages),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(40),
      put: fc.string({ unit: fc.constantFrom(...Array.from('{}",=\\\n #1.a')), maxLength: 6 }),
    });
    fc.assert(
      fc.property(damage, ({ page, at, cut, put }) => {
        const where = Math.floor(at * page.length);
        const damaged = page.slice(0, where) + put + page.slice(where + cut);
        const parsed = parseExposition(damaged);
        if (parsed.kind === 'page')
          expect(parsed.samples.length).toBeLessThan(damaged.split('\n').length + 1);
        else expect(parsed.why).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });
});

/** A text that counts how often its characters are looked at: work, where time would be luck. */
class CountedText {
  looks = 0;
  readonly #text: string;

  constructor(content: string) {
    this.#text = content;
  }

  get length(): number {
    return this.#text.length;
  }

  charCodeAt(at: number): number {
    this.looks += 1;
    return this.#text.charCodeAt(at);
  }

  indexOf(needle: string, from: number): number {
    const found = this.#text.indexOf(needle, from);
    this.looks += (found === -1 ? this.#text.length : found) - from;
    return found;
  }

  slice(from: number, to?: number): string {
    const cut = this.#text.slice(from, to);
    this.looks += cut.length;
    return cut;
  }
}

describe('the work of parsing grows with the page and no faster', () => {
  it.each<[string, (n: number) => string]>([
    ['sound lines', (n) => 'up{a="b"} 1\n'.repeat(n)],
    ['unwanted lines', (n) => `skipped{${'a="b",'.repeat(20)}} 1\n`.repeat(n)],
    ['quotes that never close', (n) => `up{a="${'\\"'.repeat(n)}`],
    ['open braces', (n) => 'up{'.repeat(n)],
    ['blanks', (n) => `up${' \t'.repeat(n)}x`],
    ['digits', (n) => `up ${'1'.repeat(n)}x`],
    ['signs', (n) => `up ${'+-e.'.repeat(n)}`],
    ['commas', (n) => `up{${','.repeat(n)}`],
    ['blank lines', (n) => ' \r\n'.repeat(n)],
    ['hashes', (n) => '# '.repeat(n)],
    ['TYPE lines', (n) => '# TYPE a gauge\n'.repeat(n)],
    ['a name without end', (n) => 'a'.repeat(n)],
    ['labels without end', (n) => `up{${Array.from({ length: n }, (_, i) => `l${i}="v"`).join(',')}`],
  ])('%s', (_, page) => {
    for (const n of [500, 2000, 8000]) {
      const counted = new CountedText(page(n));
      parseExposition(counted as unknown as string, {
        wanted: (name) => name === 'up',
        maxLine: Number.POSITIVE_INFINITY,
      });
      expect(counted.looks).toBeLessThanOrEqual(8 * counted.length + 100);
    }
  });
});
