import { describe, expect, it } from 'vitest';
import { createExpositionReader, parseExposition } from '../../../src/signals/scrape/exposition.js';
import { MAX_LABELS } from '../../../src/signals/scrape/sample-line.js';
import { EXPOSITIONS, exposition, samplesOf } from './support.js';

function only(line: string, format: 'prometheus' | 'openmetrics' = 'prometheus') {
  const samples = samplesOf(format === 'openmetrics' ? `${line}\n# EOF\n` : line, { format });
  expect(samples).toHaveLength(1);
  return samples[0]!;
}

function fault(text: string, options = {}) {
  const parsed = parseExposition(text, options);
  if (parsed.kind !== 'malformed') throw new Error(`taken for a page: ${text}`);
  return parsed;
}

describe('pages as servers print them', () => {
  // Lines that are neither comments nor blank, counted with grep.
  const lines = {
    'dcgm-k8s': 84,
    'dcgm-mig': 98,
    'dcgm-timeslicing': 44,
    'tgi-idle': 0,
    tgi: 302,
    triton: 109,
    'vllm-v0': 34,
    vllm: 147,
  };

  it.each(EXPOSITIONS)('%s: every line is a sample, every series its own', (name) => {
    const parsed = parseExposition(exposition(name));
    expect(parsed).toMatchObject({ kind: 'page', duplicates: 0 });
    if (parsed.kind === 'page') expect(parsed.samples).toHaveLength(lines[name]);
  });

  it('keeps label sets, suffixes, sums and counts of histograms', () => {
    const samples = samplesOf(exposition('vllm'));
    const names = new Set(samples.map(({ name }) => name));
    expect(names).toContain('vllm:generation_tokens_total');
    for (const part of ['bucket', 'sum', 'count'])
      expect(names).toContain(`vllm:e2e_request_latency_seconds_${part}`);
    const waiting = samples.filter(({ name }) => name === 'vllm:num_requests_waiting_by_reason');
    expect(waiting.map(({ labels, value }) => [labels.get('reason'), value])).toEqual([
      ['capacity', 9],
      ['deferred', 3],
    ]);
  });

  it('keeps the types of families', () => {
    const parsed = parseExposition(exposition('tgi'));
    if (parsed.kind !== 'page') throw new Error(parsed.why);
    expect(parsed.types.get('tgi_queue_size')).toBe('gauge');
    expect(parsed.types.get('tgi_request_duration')).toBe('histogram');
    expect(parsed.types.get('tgi_request_skipped_tokens')).toBe('summary');
  });

  it("reads Triton's Nan and +Inf", () => {
    const samples = samplesOf(exposition('triton'));
    expect(samples.some(({ value }) => Number.isNaN(value))).toBe(true);
    expect(samples.filter(({ labels }) => labels.get('le') === '+Inf').length).toBeGreaterThan(0);
  });
});

describe('a line', () => {
  it.each([
    ['up 1', 1],
    ['up\t1', 1],
    ['  up   1  ', 1],
    ['up{} 1', 1],
    ['up {a="b"} 1', 1],
    ['up{a="b",} 1', 1],
    ['up{ a = "b" , c="d" , } 1', 1],
    ['up{a="b"}1', 1],
    ['up 1\r', 1],
    ['up -1.5e-3', -0.0015],
    ['up +.5', 0.5],
    ['up 1.', 1],
    ['up NaN', Number.NaN],
    ['up Nan', Number.NaN],
    ['up +Inf', Number.POSITIVE_INFINITY],
    ['up inf', Number.POSITIVE_INFINITY],
    ['up -INF', Number.NEGATIVE_INFINITY],
    ['up +infinity', Number.POSITIVE_INFINITY],
    ['_:9 1', 1],
  ])('%j has its value', (line, value) => {
    expect(only(line).value).toBe(value);
  });

  it('unescapes label values as Prometheus does', () => {
    const { labels } = only(String.raw`up{a="\\ \" \n \t",b="日本 {,}="} 1`);
    expect(labels.get('a')).toBe('\\ " \n \\t');
    expect(labels.get('b')).toBe('日本 {,}=');
  });

  it('keeps labels with the names of JavaScript’s own', () => {
    const { labels } = only('up{__proto__="a",constructor="b"} 1');
    expect([...labels]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it.each([
    ['{"http.requests"} 1', 'http.requests', {}],
    ['{"http.requests",a="b"} 1', 'http.requests', { a: 'b' }],
    ['{a="b","http.requests","c.d"="e",} 1', 'http.requests', { a: 'b', 'c.d': 'e' }],
    ['up{"c.d"="e"} 1', 'up', { 'c.d': 'e' }],
    [String.raw`{"say \"hi\""} 1`, 'say "hi"', {}],
  ])('%s has a quoted name', (line, name, labels) => {
    const sample = only(line);
    expect(sample.name).toBe(name);
    expect(Object.fromEntries(sample.labels)).toEqual(labels);
  });

  it('has a timestamp in ms in 0.0.4 and in seconds in OpenMetrics', () => {
    expect(only('up 1').timestamp).toBeNull();
    expect(only('up 1 1520879607789').timestamp).toBe(1_520_879_607_789);
    expect(only('up 1 -5').timestamp).toBe(-5);
    expect(only('up 1 1520879607.5', 'openmetrics').timestamp).toBe(1_520_879_607_500);
  });

  it.each(['prometheus', 'openmetrics'] as const)(
    'has an exemplar that is not its timestamp (%s)',
    (format) => {
      const sample = only('d_bucket{le="1"} 17 # {trace_id="x"} 0.67 1520879607.789', format);
      expect(sample).toMatchObject({ value: 17, timestamp: null });
      expect([...sample.labels]).toEqual([['le', '1']]);
      expect(only('d_bucket{le="1"} 17 15 # {} 0.67', format).timestamp).toBe(
        format === 'prometheus' ? 15 : 15_000,
      );
    },
  );

  it.each([
    ['up', 'a blank after the metric name at column 3'],
    ['up 0x10', 'a value'],
    ['up 1_000', 'a value'],
    ['up one', 'a value'],
    ['up{a="b"}', 'a value'],
    ['up 1 soon', 'a timestamp in whole milliseconds at column 6'],
    ['up 1 1.5', 'a timestamp in whole milliseconds'],
    ['up 1 2 3', 'the end of the line at column 8'],
    ['up 1 # comment', 'the labels of an exemplar'],
    ['up 1 # {} ', 'a value'],
    ['up{a="b} 1', 'a closing double quote'],
    ['up{a="b\\"} 1', 'a closing double quote'],
    ['up{a=b} 1', 'a label value in double quotes'],
    ['up{a "b"} 1', '"=" after the label name'],
    ['up{a="b" c="d"} 1', '"," or "}"'],
    ['up{,} 1', 'a label name'],
    ['up{9="b"} 1', 'a label name'],
    ['up{a:b="c"} 1', '"="'],
    ['up{"other"} 1', '"="'],
    ['up{a="1",a="2"} 1', 'each label once'],
    ['{a="b"} 1', 'a metric name'],
    ['{""} 1', 'a label name'],
    ['9up 1', 'a metric name'],
    ['up.down 1', 'a blank after the metric name'],
    ['<html>', 'a metric name'],
    ['# TYPE up meter', 'a metric type'],
    ['# TYPE up', 'a metric type'],
  ])('%j breaks the page', (line, expected) => {
    expect(fault(`ok 1\n\n${line}\nok2 2\n`)).toMatchObject({
      line: 3,
      why: expect.stringContaining(expected),
    });
  });

  it('may not have more labels, or characters, than any metric has', () => {
    const labels = (count: number) => Array.from({ length: count }, (_, i) => `l${i}="v"`).join(',');
    expect(only(`up{${labels(MAX_LABELS)}} 1`).labels.size).toBe(MAX_LABELS);
    expect(fault(`up{${labels(MAX_LABELS + 1)}} 1`).why).toContain('at most 128 labels');
    expect(fault(`up{a="${'x'.repeat(65_536)}"} 1`).why).toContain('lines of at most 65536');
  });

  it('does not put what the page says into the message', () => {
    expect(fault('secret{token="hunter2" 1').why).not.toMatch(/secret|hunter2/);
  });
});

describe('a page', () => {
  it('may have comments, HELP with anything in it, blank lines, CRLF, and no last line feed', () => {
    const page =
      '# a comment\n#\n#another\n# HELP up "{ \\n\r\n# TYPE up gauge\r\n\r\n\nup 1\r\n# EOF\nup{a="b"} 2';
    expect(samplesOf(page).map(({ value }) => value)).toEqual([1, 2]);
  });

  it('of OpenMetrics ends with # EOF, or broke off', () => {
    const options = { format: 'openmetrics' };
    expect(parseExposition('up 1\n# EOF\n', options as never).kind).toBe('page');
    expect(fault('up 1\n', options).why).toBe('expected "# EOF" at the end');
    expect(fault('up 1\n# EOF\nup{a="b"} 1\n', options)).toMatchObject({
      line: 3,
      why: expect.stringContaining('nothing after "# EOF"'),
    });
  });

  it('with a series twice keeps the first, whatever the order of its labels', () => {
    const parsed = parseExposition('up{a="1",b="2"} 1\nup{b="2",a="1"} 2\nup{a="1"} 3\n');
    expect(parsed).toMatchObject({ kind: 'page', duplicates: 1 });
    if (parsed.kind === 'page') expect(parsed.samples.map(({ value }) => value)).toEqual([1, 3]);
  });

  it('tells series apart whatever is in their labels', () => {
    const keys = samplesOf('up{a="x\\" b \\"y"} 1\nup{a="x",b="y"} 1\n{"up a"} 1\nup 1\n').map(
      (s) => s.series,
    );
    expect(new Set(keys).size).toBe(4);
  });

  it('is read for the names that are wanted', () => {
    const wanted = (name: string) => name === 'tgi_queue_size';
    expect(samplesOf(exposition('tgi'), { wanted }).map(({ value }) => value)).toEqual([3]);
    // Not looked into where it is not wanted, but a page of prose is no exposition without the metric.
    expect(samplesOf('other{a= 1\n{"quoted"} 1\n', { wanted })).toEqual([]);
    expect(fault('not found\n', { wanted }).why).toContain('a number at the end of the line');
    expect(fault('<!doctype html>\n', { wanted }).line).toBe(1);
    expect(fault('{"error":"not found"}\n', { wanted }).line).toBe(1);
    expect(fault('tgi_queue_size three\n', { wanted }).line).toBe(1);
  });

  it('with more series than asked for is not read', () => {
    expect(samplesOf('a 1\na{b="1"} 1\n', { maxSamples: 2 })).toHaveLength(2);
    expect(fault('a 1\na{b="1"} 1\na{b="2"} 1\n', { maxSamples: 2 })).toMatchObject({ line: 3 });
  });

  it('can be read in pieces cut anywhere', () => {
    const page = exposition('triton');
    const whole = parseExposition(page);
    for (const size of [1, 7, 1000]) {
      const reader = createExpositionReader();
      for (let at = 0; at < page.length; at += size) reader.push(page.slice(at, at + size));
      expect(reader.end()).toEqual(whole);
    }
  });

  it('stops taking pieces once it is malformed', () => {
    const reader = createExpositionReader({ maxLine: 10 });
    expect(reader.push('up 1\nup{a="')).toBe(true);
    expect(reader.push('xxxxxxxxxx')).toBe(false);
    expect(reader.push('"} 1\n')).toBe(false);
    expect(reader.end()).toMatchObject({ kind: 'malformed', line: 2 });
  });
});
