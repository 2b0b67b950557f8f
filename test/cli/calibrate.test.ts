import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { calibrate } from '../../src/cli/calibrate.js';
import { UsageError } from '../../src/cli/command.js';
import { compileTrigger } from '../../src/policy/trigger.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { startBackfilledPrometheus, type RecordedSeries } from '../support/backfilled-prometheus.js';
import { temporaryFolder } from '../support/processes.js';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder('calibrate');
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

/** The command as main.ts runs it, and what it printed. */
async function run(...args: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  const code = await calibrate.run(args);
  vi.restoreAllMocks();
  return { code, stdout };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const STEPS = [
  'concurrency,throughput,p50_ms,p99_ms,queue_ms,cpu_util,gpu_util',
  '1,12.4,80,95,0.1,18,22',
  '2,24.6,81,97,0.2,35,41',
  '4,47.9,83,104,0.4,66,60',
  '8,68,112,190,22,97,58',
  '16,70,228,420,140,99,59',
  '32,69.5,455,900,370,99,58',
  '',
].join('\n');

describe('calibrate', () => {
  it('prints the steps, what was found, and metadata that the scaler takes', async () => {
    const { code, stdout } = await run(
      await file('steps.csv', STEPS),
      '--p99',
      '250ms',
      '--price-per-hour',
      '0.54',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^8 +68 +\+42 % .* knee$/m);
    expect(stdout).toContain('at 16 in flight p99 is 420 ms, over the 250 ms allowed');
    expect(stdout).toContain('the CPU, before the GPU: CPU 97 %, GPU 58 %');
    // 51 requests/s at 0.54 an hour: 0.54 ÷ 183 600 × 1000.
    expect(stdout).toContain('0.00294 for 1000 inferences');
    const yaml = stdout.slice(stdout.indexOf('metadata:'));
    const { metadata } = parse(yaml) as { metadata: Record<string, string> };
    expect(metadata).toEqual({ profile: 'cpu-util', target: '70.8', slots: '6', serviceTime: '0.0805' });
    expect(compileTrigger(metadata, loadProfiles(undefined))).toMatchObject({ ok: true });
    expect(stdout).not.toMatch(/ $/m);
  });

  it('gives the same as JSON', async () => {
    const { stdout } = await run(await file('steps.csv', STEPS), '--p99', '0.25', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'reached',
      knee: { index: 3, next: 4, why: 'slo' },
      metadata: { profile: 'cpu-util', target: '70.8' },
    });
  });

  it('guesses nothing where the test ends before the knee, and exits 1', async () => {
    const short = STEPS.split('\n').slice(0, 4).join('\n');
    const { code, stdout } = await run(await file('short.csv', short));
    expect(code).toBe(1);
    expect(stdout).toContain('not reached: throughput still rises at 4 in flight, the last step');
    expect(stdout).not.toContain('metadata:');
  });

  it('leaves the choice of the server to the person who knows it', async () => {
    const plain = STEPS.split('\n')
      .map((line) => line.split(',').slice(0, 4).join(','))
      .join('\n');
    const { stdout } = await run(await file('plain.csv', plain));
    expect(stdout).toContain('  # profile: triton-concurrency\n  # profile: vllm-concurrency\n  target: ');
    const asked = await run(await file('plain.csv', plain), '--profiles', 'vllm-concurrency');
    expect(asked.stdout).toContain('  profile: vllm-concurrency\n');
  });

  it('takes inferences in batches apart', async () => {
    const { stdout } = await run(
      await file('steps.csv', STEPS),
      '--batch',
      '4',
      '--price-per-hour',
      '1',
      '--json',
    );
    const { cost, operation } = JSON.parse(stdout) as {
      cost: { inferencesPerSecond: number };
      operation: { throughput: number };
    };
    expect(cost.inferencesPerSecond).toBeCloseTo(4 * operation.throughput, 9);
    expect(operation.throughput).toBeCloseTo((0.75 * 68) / 4, 9);
  });

  it('writes a page with the plots', async () => {
    const page = join(folder, 'page.html');
    await run(await file('steps.csv', STEPS), '--p99', '250ms', '--html', page);
    const text = await readFile(page, 'utf8');
    expect(text).toContain('uPlot');
    expect(text).toContain('profile: cpu-util');
    const charts = JSON.parse(/id="charts">(.*?)<\/script>/s.exec(text)?.[1] ?? '') as {
      id: string;
      marks: unknown;
    }[];
    expect(charts.map(({ id }) => id)).toEqual(['throughput', 'latency', 'utilisation']);
    expect(charts[0]?.marks).toEqual([
      { x: expect.closeTo(4.617, 3) as number, label: '75 % of the knee' },
      { x: 8, label: 'knee' },
    ]);
  });

  it.each([
    [[], 'expected the FILE of a load test'],
    [['no-such.csv'], 'no-such.csv'],
    [['--p99', 'soon', 'x.csv'], '--p99: got "soon"'],
    [['--share', '120%', 'x.csv'], '--share: got "120%"'],
    [['--profiles', 'vllm', 'x.csv'], '--profiles: no profile "vllm"'],
    [['--concurrency', '1,two', 'x.csv'], '--concurrency: got "1,two"'],
    [['--concurrency', '1,2', 'x.csv'], 'give one for each file'],
    [['--prometheus', 'http://127.0.0.1:1'], '--namespace and --workload'],
    [['--prometheus', 'http://127.0.0.1:1', 'x.csv'], 'either FILE or --prometheus'],
  ])('refuses %j', async (args, message) => {
    await file('x.csv', STEPS);
    const paths = args.map((each) => (each === 'x.csv' ? join(folder, each) : each));
    const failure = run(...paths);
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
  });
});

const START = 1_767_600_000;
const SCRAPE = 15;
const STEP_SECONDS = 180;
const CONCURRENCIES = [1, 2, 4, 8, 16];
const SLOTS = 4;
const SERVICE = 0.25;

/** What a scrape of a Triton with four slots of 0.25 s sees while the requests in flight double every three minutes. */
function recording(namespace: string, pod: string, share: number): RecordedSeries[] {
  const sums = { nv_inference_request_success: 0, request: 0, queue: 0, infer: 0, cpu: 0 };
  const samples: Record<string, [number, number][]> = {};
  const note = (name: string, t: number, value: number) => (samples[name] ??= []).push([t, value]);
  for (let second = 0; second <= CONCURRENCIES.length * STEP_SECONDS; second += SCRAPE) {
    const load =
      CONCURRENCIES[Math.min(CONCURRENCIES.length - 1, Math.floor((second - 1) / STEP_SECONDS))] ?? 1;
    const rate = (share * Math.min(load, SLOTS)) / SERVICE;
    const wait = Math.max(0, load / (Math.min(load, SLOTS) / SERVICE) - SERVICE);
    if (second > 0) {
      sums.nv_inference_request_success += rate * SCRAPE;
      sums.request += rate * SCRAPE * (wait + SERVICE) * 1e6;
      sums.queue += rate * SCRAPE * wait * 1e6;
      sums.infer += rate * SCRAPE * SERVICE * 1e6;
      sums.cpu += share * 0.5 * Math.min(load, SLOTS) * SCRAPE;
    }
    const t = START + second;
    note('nv_inference_request_success', t, sums.nv_inference_request_success);
    note('nv_inference_request_duration_us', t, sums.request);
    note('nv_inference_queue_duration_us', t, sums.queue);
    note('nv_inference_compute_infer_duration_us', t, sums.infer);
    note('nv_inference_compute_input_duration_us', t, 0);
    note('nv_inference_compute_output_duration_us', t, 0);
    note('nv_inference_pending_request_count', t, share * Math.max(0, load - SLOTS));
    note('container_cpu_usage_seconds_total', t, sums.cpu);
    note('container_spec_cpu_quota', t, 400_000);
    note('container_spec_cpu_period', t, 100_000);
  }
  return Object.entries(samples).map(([name, values]) => {
    const model = name.startsWith('nv_') ? { model: 'resnet', version: '1' } : { container: 'triton' };
    return { name, labels: { namespace, pod, ...model }, samples: values };
  });
}

/** The same load on a server that counts in histograms, as TGI and vLLM do: all waits of a step are alike. */
function histograms(
  labels: Record<string, string>,
  success: string,
  [latency, queue, service]: readonly [string, string, string],
): RecordedSeries[] {
  const samples = new Map<string, [number, number][]>();
  const note = (key: string, t: number, value: number) =>
    samples.set(key, [...(samples.get(key) ?? []), [t, value]]);
  const sums = { count: 0, wait: 0, quick: 0 };
  for (let second = 0; second <= CONCURRENCIES.length * STEP_SECONDS; second += SCRAPE) {
    const load =
      CONCURRENCIES[Math.min(CONCURRENCIES.length - 1, Math.floor((second - 1) / STEP_SECONDS))] ?? 1;
    const answered = second === 0 ? 0 : (Math.min(load, SLOTS) / SERVICE) * SCRAPE;
    const wait = Math.max(0, load / (Math.min(load, SLOTS) / SERVICE) - SERVICE);
    sums.count += answered;
    sums.wait += answered * wait;
    if (wait + SERVICE <= 0.5) sums.quick += answered;
    const t = START + second;
    note(success, t, sums.count);
    for (const name of [latency, queue, service]) note(`${name}_count`, t, sums.count);
    note(`${queue}_sum`, t, sums.wait);
    note(`${service}_sum`, t, sums.count * SERVICE);
    note(`${latency}_sum`, t, sums.wait + sums.count * SERVICE);
    note(`${latency}_bucket le=0.5`, t, sums.quick);
    for (const le of ['2', '+Inf']) note(`${latency}_bucket le=${le}`, t, sums.count);
  }
  return [...samples].map(([key, values]) => {
    const [name = '', le] = key.split(' le=');
    return { name, labels: { ...labels, ...(le === undefined ? {} : { le }) }, samples: values };
  });
}

describe('calibrate from a Prometheus', () => {
  const pod = 'triton-7d9c5b6f4d-abcde';
  let prometheus: Awaited<ReturnType<typeof startBackfilledPrometheus>>;
  beforeAll(async () => {
    prometheus = await startBackfilledPrometheus([
      ...recording('shop', pod, 1),
      // Neighbours that must not be counted: another namespace, another workload, and an idle replica of the same.
      ...recording('other', pod, 1),
      ...recording('shop', 'triton-large-7d9c5b6f4d-vwxyz', 0.5),
      ...recording('shop', 'triton-7d9c5b6f4d-idle0', 0),
      ...recording('busy', 'vision-7d9c5b6f4d-aaaaa', 1),
      ...recording('busy', 'vision-7d9c5b6f4d-bbbbb', 1),
      ...histograms(
        { namespace: 'llm', pod: 'chat-0', model_name: 'llama', engine: '0', finished_reason: 'stop' },
        'vllm:request_success_total',
        [
          'vllm:e2e_request_latency_seconds',
          'vllm:request_queue_time_seconds',
          'vllm:request_inference_time_seconds',
        ],
      ),
      ...histograms({ namespace: 'llm', pod: 'gemma-7d9c5b6f4d-abcde' }, 'tgi_request_success', [
        'tgi_request_duration',
        'tgi_request_queue_duration',
        'tgi_request_inference_duration',
      ]),
    ]);
  });
  afterAll(() => prometheus.stop());

  function ask(...more: string[]) {
    const [from, to] = [START, START + CONCURRENCIES.length * STEP_SECONDS];
    return run('--prometheus', prometheus.url, '--from', String(from), '--to', String(to), ...more);
  }

  it('finds the steps, the slots and the service time, and every profile with data', async () => {
    const { code, stdout } = await ask(
      '--namespace',
      'shop',
      '--workload',
      'triton',
      '--p99',
      '2s',
      '--json',
    );
    expect(code).toBe(0);
    const { steps, capacity, server, targets, metadata, saturation } = JSON.parse(stdout) as {
      steps: { load: number; throughput: number }[];
      capacity: { slots: number; serviceTime: number };
      server: string;
      targets: { profile: string; value: number; measured: boolean; unfit: string | null }[];
      metadata: Record<string, string>;
      saturation: { shares: { name: string; share: number }[] };
    };
    expect(server).toBe('Triton');
    expect(steps.map(({ load }) => Math.round(load))).toEqual([1, 2, 4, 8, 16]);
    expect(steps.map(({ throughput }) => Math.round(throughput))).toEqual([4, 8, 16, 16, 16]);
    expect(capacity.slots).toBeCloseTo(4, 2);
    expect(capacity.serviceTime).toBeCloseTo(0.25, 4);
    const target = (name: string) => targets.find(({ profile }) => profile === name);
    expect(target('triton-concurrency')).toMatchObject({ measured: true, unfit: null });
    expect(target('triton-concurrency')?.value).toBeCloseTo(3, 1);
    expect(target('cpu-util')?.value).toBeCloseTo(37.5, 0);
    expect(target('triton-pending')?.unfit).toContain('still 0');
    expect(saturation.shares).toEqual([{ name: 'CPU', share: expect.closeTo(0.5, 2) as number }]);
    expect(metadata).toMatchObject({ profile: 'triton-concurrency', slots: '4', serviceTime: '0.25' });
  });

  it.each([
    ['vLLM', ['--workload', 'statefulset/chat', '--model', 'llama'], 'vllm-concurrency'],
    ['text-generation-inference', ['--workload', 'gemma'], 'tgi-concurrency'],
  ])('reads the histograms of %s', async (server, workload, profile) => {
    // Up to 8 in flight p99 is within the bucket of 0.5 s.
    const { code, stdout } = await ask('--namespace', 'llm', ...workload, '--p99', '500ms', '--json');
    expect(code).toBe(0);
    const calibration = JSON.parse(stdout) as { capacity: { slots: number }; steps: { p99: number }[] };
    expect(calibration).toMatchObject({
      server,
      knee: { index: 2 },
      metadata: { profile, serviceTime: '0.25' },
    });
    expect(calibration.capacity.slots).toBeCloseTo(4, 2);
    expect(calibration.steps.map(({ p99 }) => p99 > 0.5)).toEqual([false, false, false, false, true]);
  });

  it('refuses two replicas that served, until one is named', async () => {
    await expect(ask('--namespace', 'busy', '--workload', 'vision')).rejects.toThrow(
      '2 replicas of deployment/vision',
    );
    const { code } = await ask(
      '--namespace',
      'busy',
      '--workload',
      'vision',
      '--pod',
      'vision-7d9c5b6f4d-aaaaa',
    );
    expect(code).toBe(0);
  });

  it('reads one model, and says when there is none of that name', async () => {
    const { code } = await ask('--namespace', 'shop', '--workload', 'triton', '--model', 'resnet');
    expect(code).toBe(0);
    await expect(
      ask('--namespace', 'shop', '--workload', 'triton', '--model', 'x"} or up{a="'),
    ).rejects.toThrow('no requests of deployment/triton in shop');
  });

  it('says what Prometheus says, and when it cannot be reached', async () => {
    await expect(ask('--namespace', 'shop', '--workload', 'triton', '--window', '0s')).rejects.toThrow(
      /HTTP 400/,
    );
    const args = ['--from', '1', '--to', '1000', '--namespace', 'a', '--workload', 'b'];
    await expect(run('--prometheus', 'http://127.0.0.1:1', ...args)).rejects.toThrow(
      /127\.0\.0\.1:1.*ECONNREFUSED/,
    );
  });
});
