import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../../src/replay/calibrate/formats/csv.js';
import { readLoadTest } from '../../../src/replay/calibrate/formats/read.js';
import { LoadTestError } from '../../../src/replay/calibrate/step.js';

const PROFILES = ['triton-concurrency', 'cpu-util'];

function read(text: string, file = 'test.csv', loads: number[] | null = null) {
  return readLoadTest([{ file, text }], PROFILES, loads);
}

const PERF_ANALYZER =
  'Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,' +
  'Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency';

describe('perf_analyzer', () => {
  it('gives seconds, the times of the server, and Triton as the server', () => {
    const { steps, server } = read(
      `${PERF_ANALYZER}\n4,400.5,10,90,500,200,9000,100,20,9800,11000,11500,12000\n`,
    );
    expect(server).toBe('Triton');
    expect(steps).toMatchObject([
      { place: 'test.csv:2', held: 'concurrency', load: 4, throughput: 400.5, queue: 0.0005, p99: 0.012 },
    ]);
    expect(steps[0]?.service).toBeCloseTo(0.0093, 9);
    expect(steps[0]?.mean).toBeCloseTo(0.00992, 9);
  });

  it('reads request rates, without the server and with the GPU', () => {
    const { steps, server, notes } = read(
      'Request Rate,Inferences/Second,Client Send,Client Recv,p50 latency,p99 latency,Avg latency,Avg GPU Utilization\n' +
        '100,99.5,1,2,10000,20000,11000,GPU-1:0.5;GPU-2:0.7;\n',
    );
    expect(server).toBeNull();
    expect(notes).toHaveLength(1);
    expect(steps).toMatchObject([{ held: 'rate', load: 100, mean: 0.011, service: null }]);
    expect(steps[0]?.utilisation.gpu).toBeCloseTo(0.6, 9);
  });

  it('does not add up a mean where a cache answers some requests', () => {
    const header = PERF_ANALYZER.replace('Client Recv', 'Server Cache Hit,Server Cache Miss,Client Recv');
    const { steps } = read(`${header}\n4,400,10,90,500,200,9000,100,5,6,20,9800,11000,11500,12000\n`);
    expect(steps[0]?.mean).toBeNull();
  });
});

const GENAI = [
  'Metric,avg,min,max,p99,p95,p90,p75,p50,p25',
  'Time To First Token (ms),24.00,22.00,31.00,30.00,27.00,24.00,23.00,23.00,23.00',
  'Request Latency (ms),"5,919.50","5,912.00","5,934.00","5,933.25","5,928.00","5,923.00","5,920.00","5,918.00","5,915.00"',
  '',
  'Metric,Value',
  'Output Token Throughput (per sec),86.48',
  'Request Throughput (per sec),0.17',
  '',
  'Metric,GPU,avg,min,max,p99,p95,p90,p75,p50,p25',
  'GPU Utilization (%),0,80.00,1.00,2.00,3.00,4.00,5.00,6.00,7.00,8.00',
  '',
].join('\r\n');

describe('genai-perf', () => {
  it('takes the concurrency from the folder, and numbers with commas', () => {
    const { steps } = read(
      GENAI,
      'artifacts/concurrency2/llama-chat-concurrency16/profile_export_genai_perf.csv',
    );
    expect(steps).toMatchObject([
      { held: 'concurrency', load: 16, throughput: 0.17, mean: 5.9195, p99: 5.93325 },
    ]);
  });

  it('takes a request rate from the folder', () => {
    expect(read(GENAI, 'llama-request_rate2.5/export.csv').steps).toMatchObject([
      { held: 'rate', load: 2.5 },
    ]);
  });

  it('takes the concurrencies from the command line, one for each file', () => {
    const files = ['a.csv', 'b.csv'].map((file) => ({ file, text: GENAI }));
    expect(readLoadTest(files, [], [1, 2]).steps.map(({ load }) => load)).toEqual([1, 2]);
    expect(() => readLoadTest(files, [], [1])).toThrow('give one for each file');
  });

  it('reads AIPerf, which names its units in words and leaves cells empty', () => {
    const text = [
      'Metric,avg,min,max,p1,p5,p10,p25,p50,p75,p90,p95,p99,std',
      'Request Latency (ms),120.00,1.00,2.00,3.00,4.00,5.00,6.00,110.00,8.00,9.00,10.00,250.00,',
      '',
      'Metric,Value',
      'Request Throughput (requests/sec),33.10',
      '',
      '',
      'Endpoint,GPU_Index,GPU_Name,GPU_UUID,Metric,avg',
      'localhost:9400,0,T4,GPU-1,GPU Power Usage (W),70.00',
    ].join('\n');
    expect(read(text, 'x-concurrency4/profile_export_aiperf.csv').steps).toMatchObject([
      { load: 4, throughput: 33.1, mean: 0.12, p50: 0.11, p99: 0.25 },
    ]);
  });

  it('says where the concurrency should be', () => {
    expect(() => read(GENAI, 'export.csv')).toThrow(
      /export\.csv: the path does not say the concurrency.*--concurrency/,
    );
  });
});

const LOCUST =
  'Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%,' +
  'Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,' +
  'Total Min Response Time,Total Max Response Time,Total Average Content Size';

/** A second of locust: `users` who get `rate` answers a second, `milliseconds` each, `failing` a second fail. */
function locustRun(
  plan: { users: number; seconds: number; rate: number; ms: number; failing?: number }[],
  full: boolean,
) {
  const lines = [LOCUST];
  let [t, requests, failures, total] = [1_700_000_000, 0, 0, 0];
  for (const { users, seconds, rate, ms, failing = 0 } of plan) {
    for (let second = 0; second < seconds; second += 1) {
      [t, requests, failures, total] = [t + 1, requests + rate, failures + failing, total + rate * ms];
      const percentiles = Array.from({ length: 11 }, () => ms).join(',');
      const totals = `${requests},${failures},${ms},${total / requests},1,${ms * 2},100`;
      if (full) lines.push(`${t},${users},POST,/infer,${rate},${failing},${percentiles},${totals}`);
      lines.push(`${t},${users},,Aggregated,${rate}.000000,${failing},${percentiles},${totals}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

describe('locust', () => {
  const plan = [
    { users: 0, seconds: 2, rate: 0.001, ms: 0 },
    { users: 10, seconds: 60, rate: 20, ms: 100 },
    { users: 15, seconds: 5, rate: 25, ms: 110 },
    { users: 20, seconds: 60, rate: 30, ms: 250, failing: 3 },
  ];

  it('makes a step of each user count that stood still, from the differences of its totals', () => {
    const { steps, notes } = read(locustRun(plan, true));
    expect(notes).toEqual([]);
    expect(steps.map(({ held, load }) => [held, load])).toEqual([
      ['users', 10],
      ['users', 20],
    ]);
    expect(steps[0]).toMatchObject({ failed: 0, p50: 0.1, p99: 0.1 });
    expect(steps[0]?.throughput).toBeCloseTo(20, 6);
    expect(steps[0]?.mean).toBeCloseTo(0.1, 6);
    expect(steps[1]?.throughput).toBeCloseTo(27, 6);
    expect(steps[1]?.mean).toBeCloseTo(0.25, 6);
    expect(steps[1]?.failed).toBeCloseTo(0.1, 6);
  });

  it('does not take percentiles of the whole test for those of a step', () => {
    const { steps, notes } = read(locustRun(plan, false));
    expect(steps.map(({ p99 }) => p99)).toEqual([null, null]);
    expect(notes[0]).toContain('--csv-full-history');
  });

  it('wants users to stand still', () => {
    const ramp = Array.from({ length: 60 }, (_, users) => ({
      users: users + 1,
      seconds: 1,
      rate: 5,
      ms: 10,
    }));
    expect(() => read(locustRun(ramp, true))).toThrow('no user count stood still');
  });

  it('asks for the history where the totals are given', () => {
    expect(() => read('Type,Name,Request Count\nPOST,/infer,3\n')).toThrow('_stats_history.csv');
  });
});

describe('vegeta', () => {
  const report = {
    latencies: {
      total: 30e9,
      mean: 50e6,
      '50th': 45e6,
      '90th': 60e6,
      '95th': 70e6,
      '99th': 90e6,
      max: 100e6,
      min: 1e6,
    },
    bytes_in: { total: 1, mean: 1 },
    bytes_out: { total: 0, mean: 0 },
    earliest: '2026-01-01T00:00:00Z',
    latest: '2026-01-01T00:01:00Z',
    end: '2026-01-01T00:01:00.05Z',
    duration: 60e9,
    wait: 50e6,
    requests: 600,
    rate: 10,
    throughput: 9.9,
    success: 0.995,
    status_codes: { '200': 597, '503': 3 },
    errors: ['503 Service Unavailable'],
  };

  it('gives a step for each report', () => {
    expect(read(JSON.stringify(report), 'r10.json').steps).toMatchObject([
      { place: 'r10.json', held: 'rate', load: 10, throughput: 9.9, mean: 0.05, p50: 0.045, p99: 0.09 },
    ]);
    expect(read(JSON.stringify(report)).steps[0]?.failed).toBeCloseTo(0.005, 9);
  });

  it('works throughput out for reports of old versions', () => {
    const { throughput: _, ...old } = report;
    expect(read(JSON.stringify(old)).steps[0]?.throughput).toBeCloseTo(9.95, 9);
  });

  it('says what is missing, and what single results are', () => {
    expect(() => read('{"latencies":{}}', 'r.json')).toThrow(
      /r\.json: latencies\.mean: .*vegeta report -type=json/,
    );
    expect(() => read('{"seq":1}\n{"seq":2}\n', 'r.json')).toThrow('vegeta encode -to csv');
  });

  /** `vegeta encode -to csv`: `rate` a second for `seconds`, from a moment on. */
  function hits(rate: number, seconds: number, from: number, latency = 0.05, code = 200): string[] {
    return Array.from({ length: rate * seconds }, (_, index) => {
      const at = BigInt(Math.round((from + index / rate) * 1e9)) + 1_700_000_000_000_000_000n;
      return `${at},${code},${Math.round(latency * 1e9)},10,20,"",Ym9keQ==,attack,${index}`;
    });
  }

  it('tells the rates of several attacks in one file apart by time', () => {
    const lines = [...hits(20, 60, 0), ...hits(40, 60, 60, 0.08), ...hits(80, 60, 120, 0.3)];
    const { steps } = read(lines.join('\n'));
    expect(steps.map(({ load }) => Math.round(load))).toEqual([20, 40, 80]);
    expect(steps.map(({ p99 }) => p99)).toEqual([0.05, 0.08, 0.3]);
    for (const { load, throughput, failed } of steps) {
      expect(throughput / load).toBeCloseTo(1, 1);
      expect(failed).toBe(0);
    }
  });

  it('shows a replica that falls behind in its throughput', () => {
    // 100 requests a second, of which each is answered after as long as the queue has grown: 25 a second are served.
    const lines = hits(100, 20, 0).map((line, index) =>
      line.replace(',50000000,', `,${Math.round(index * 0.03e9)},`),
    );
    const [step] = read(lines.join('\n')).steps;
    expect(step?.load).toBeCloseTo(100, 0);
    expect(step?.throughput).toBeLessThan(30);
  });

  it('counts 5xx as failed', () => {
    const lines = [...hits(20, 30, 0), ...hits(20, 30, 0.01, 0.01, 503)];
    expect(read(lines.join('\n')).steps[0]?.failed).toBeCloseTo(0.5, 1);
  });
});

describe('a CSV of steps', () => {
  it('takes what was measured, in any order, and columns of profiles', () => {
    const { steps } = read(
      'p99_ms,throughput,concurrency,cpu_util,triton-concurrency\n250,20,4,85,3.9\n,30,8,,7.5\n',
    );
    expect(steps).toMatchObject([
      {
        load: 4,
        throughput: 20,
        p99: 0.25,
        utilisation: { cpu: 0.85 },
        signals: { 'triton-concurrency': 3.9 },
      },
      { load: 8, throughput: 30, p99: null, utilisation: {}, signals: { 'triton-concurrency': 7.5 } },
    ]);
  });

  it.each([
    ['concurrency,throughput\n4,fast\n', 'test.csv:2: throughput is "fast"'],
    ['concurrency,throughput\n4,20\n\n8\n', 'test.csv:4: 1 cells; the header has 2 columns'],
    ['concurrency,throughput\n0,20\n', 'test.csv:2: concurrency is 0; expected a number > 0'],
    ['concurrency,throughput\n4,\n', 'test.csv:2: throughput is empty'],
    ['concurrency,throughput\n4,-20\n', 'test.csv:2: throughput is "-20"'],
    ['concurrency,throughput,p99ms\n4,20,3\n', 'unknown column "p99ms"; did you mean p99_ms?'],
    ['concurrency,throughput,triton-concurency\n4,20,3\n', 'did you mean triton-concurrency?'],
    ['concurrency,rate,throughput\n4,20,3\n', 'the header is concurrency,throughput'],
    ['concurrency,throughput,throughput\n4,20,3\n', 'is there twice'],
    ['concurrency,throughput\n', 'there is a header and no row'],
    ['concurrency,throughput\n"4,20\n', 'test.csv:2: a double quote'],
    ['a,b\n1,2\n', 'unknown header "a,b"; expected the output of perf_analyzer'],
    ['', 'the file is empty'],
  ])('refuses %j by its line', (text, message) => {
    expect(() => read(text)).toThrow(LoadTestError);
    expect(() => read(text)).toThrow(message);
  });

  it('is not mixed with another format', () => {
    const files = [
      { file: 'a.csv', text: 'concurrency,throughput\n1,2\n' },
      { file: 'b.csv', text: `${PERF_ANALYZER}\n4,400,1,1,1,1,1,1,1,1,1,1,1\n` },
    ];
    expect(() => readLoadTest(files, [], null)).toThrow('b.csv: of perf_analyzer, a.csv of a CSV of steps');
  });
});

describe('any text', () => {
  it('is read or refused with its place, and never anything else', () => {
    const line = fc.constantFrom(
      'concurrency',
      'throughput',
      '"',
      ',',
      '\n',
      '1',
      '2.5',
      'Metric',
      'Timestamp',
      '{',
      '}',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (parts) => {
        try {
          for (const { load, throughput } of read(parts.join('')).steps) {
            expect(load).toBeGreaterThan(0);
            expect(throughput).toBeGreaterThan(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(LoadTestError);
          expect(String(error)).toContain('test.csv');
        }
      }),
    );
  });

  it('in quotes comes back as it was', () => {
    const cell = fc.string({ maxLength: 8 }).filter((text) => !/[\r\n]/.test(text) && text.trim() === text);
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (cells) => {
        fc.pre(cells.some((each) => each !== ''));
        const text = cells.map((each) => `"${each.replaceAll('"', '""')}"`).join(',');
        expect(rowsOf(text, 'f')).toEqual([{ place: 'f:1', cells }]);
      }),
    );
  });
});
