import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstRowFrom, loadOf, requestsBetween } from '../../src/replay/load.js';
import { LoadError, parseLoad } from '../../src/replay/load-csv.js';

const HEADER = 't_seconds,requests';

function errorOf(csv: string): LoadError {
  try {
    parseLoad(csv);
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('parseLoad', () => {
  it('reads seconds and counts; the last row says how long the recording is', () => {
    const load = parseLoad(`${HEADER}\n0,4\n7,1\n99,0\n`);
    expect(load.seconds).toBe(100);
    expect([...load.at]).toEqual([0, 7, 99]);
    expect([...load.requests]).toEqual([4, 1, 0]);
    expect(load.inputTokens).toBeNull();
  });

  it('reads token columns, in whatever order the header has them', () => {
    const load = parseLoad('requests,output_tokens,t_seconds,input_tokens\n2,50,3,700\n');
    expect([...load.at]).toEqual([3]);
    expect([...(load.inputTokens ?? [])]).toEqual([700]);
    expect([...(load.outputTokens ?? [])]).toEqual([50]);
  });

  it.each([
    ['a byte order mark', `\uFEFF${HEADER}\n0,1\n`],
    ['Windows line ends', `${HEADER}\r\n0,1\r\n`],
    ['no line end at the end', `${HEADER}\n0,1`],
    ['spaces around fields', ' t_seconds , requests \n 0 , 1 \n'],
    ['empty lines at the end', `${HEADER}\n0,1\n\n \n`],
  ])('takes %s', (_, csv) => {
    expect([...parseLoad(csv).requests]).toEqual([1]);
  });

  it.each([
    ['an empty file', '', 1, 'the file is empty'],
    ['a blank file', '\n \n', 1, 'the file is empty'],
    ['no header', '0,4\n1,2\n', 1, 'found "0" where the header should be'],
    ['an unknown column', 't_seconds,requests,latency\n0,1,2\n', 1, 'unknown column "latency"'],
    ['a missing column', 't_seconds\n0\n', 1, 'column "requests" is missing'],
    ['a column twice', 't_seconds,requests,requests\n0,1,1\n', 1, 'column "requests" is there twice'],
    ['no rows', `${HEADER}\n`, 2, 'there is no row'],
    ['too few fields', `${HEADER}\n0,1\n1\n`, 3, 'the row has 1 fields'],
    ['too many fields', `${HEADER}\n0,1,2\n`, 2, 'the row has 3 fields'],
    ['a negative count', `${HEADER}\n0,-1\n`, 2, 'requests is "-1"'],
    ['a fraction', `${HEADER}\n0,1.5\n`, 2, 'requests is "1.5"'],
    ['a word', `${HEADER}\n0,many\n`, 2, 'requests is "many"'],
    ['an exponent', `${HEADER}\n0,1e3\n`, 2, 'requests is "1e3"'],
    ['a missing value', `${HEADER}\n0,\n`, 2, 'requests is ""'],
    ['a fraction of a second', `${HEADER}\n0.5,1\n`, 2, 't_seconds is "0.5"'],
    ['a second twice', `${HEADER}\n5,1\n5,1\n`, 3, 'second 5 is there twice'],
    ['time that goes back', `${HEADER}\n5,1\n9,1\n4,1\n`, 4, 'time goes back from 9 to 4'],
    ['an epoch time', `${HEADER}\n1700000000,1\n`, 2, 't_seconds is 1700000000'],
    ['an empty line inside', `${HEADER}\n0,1\n\n5,1\n`, 3, 'the line is empty'],
  ])('refuses %s with its line', (_, csv, line, found) => {
    const error = errorOf(csv);
    expect(error.line).toBe(line);
    expect(error.message).toMatch(new RegExp(`^line ${line}: `));
    expect(error.message).toContain(found);
    expect(error.message.split('; ')[1]).toBeTruthy(); // what to do
  });

  it('reads back what was written', () => {
    const rows = fc.uniqueArray(fc.tuple(fc.nat(5000), fc.nat(1000)), { minLength: 1, selector: ([t]) => t });
    fc.assert(
      fc.property(rows, (unsorted) => {
        const sorted = unsorted.toSorted(([a], [b]) => a - b);
        const load = parseLoad(`${HEADER}\n${sorted.map((row) => row.join(',')).join('\n')}`);
        expect([...load.at]).toEqual(sorted.map(([t]) => t));
        expect([...load.requests]).toEqual(sorted.map(([, requests]) => requests));
        expect(load.seconds).toBe((sorted.at(-1)?.[0] ?? 0) + 1);
      }),
    );
  });
});

describe('a load', () => {
  it('counts the requests of any stretch', () => {
    const perSecond = fc.array(fc.nat(5), { maxLength: 40 });
    fc.assert(
      fc.property(perSecond, fc.nat(45), fc.nat(45), (counts, from, to) => {
        const load = loadOf(counts);
        const expected = counts.slice(from, Math.max(from, to)).reduce((sum, count) => sum + count, 0);
        expect(requestsBetween(load, from, to)).toBe(expected);
        const row = firstRowFrom(load, from);
        expect(load.at[row] ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(from);
        expect(load.at[row - 1] ?? -1).toBeLessThan(from);
      }),
    );
  });
});
