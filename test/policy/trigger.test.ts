import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/policy/duration.js';
import { compileProfiles } from '../../src/policy/profiles.js';
import { compileTrigger, type Trigger } from '../../src/policy/trigger.js';

const SCALERS = new URL('../../scalers/', import.meta.url);
const profiles = compileProfiles(
  readdirSync(SCALERS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => ({ file, text: readFileSync(new URL(file, SCALERS), 'utf8') })),
);

type Raw = Record<string, string>;

function compiled(raw: Raw): Trigger {
  const result = compileTrigger(raw, profiles);
  if (!result.ok) throw new Error(result.problems.map((each) => each.message).join('\n'));
  return result.trigger;
}

function messages(raw: Raw): string[] {
  const result = compileTrigger(raw, profiles);
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(raw)}`);
  return result.problems.map((each) => each.message);
}

describe('each profile that is shipped', () => {
  const names = [...profiles.keys()];

  test.each(names)('%s compiles with the least that it needs', (name) => {
    const profile = profiles.get(name)!;
    const raw: Raw = { profile: name };
    if (typeof profile.target === 'object') raw['slots'] = '4';
    if (profile.target === undefined) raw['target'] = '10';
    if ('fromTrigger' in profile.prometheus) raw['query'] = 'sum(load)';
    if (profile.series === 'queue') raw['queue'] = 'jobs';
    const { policy, profiles: chosen, wake, metricSpecs } = compiled(raw);
    const target = typeof profile.target === 'object' ? profile.target.perSlot * 4 : (profile.target ?? 10);
    expect(chosen).toEqual([profile]);
    expect(policy.signals).toEqual([
      {
        profile: name,
        kind: profile.kind,
        unit: profile.unit,
        target,
        activation: profile.activation,
        absence: profile.absence,
        freshFor: parseDuration(profile.freshFor),
        ...(profile.series === 'queue' ? { backlog: true } : {}),
      },
    ]);
    expect(wake?.name ?? null).toBe(profile.wake ?? null);
    expect(policy.wake?.profile ?? null).toBe(profile.wake ?? null);
    expect(metricSpecs).toEqual([{ name: 'pilotlight-replicas', target: 1 }]);
  });

  test.each(names)('%s says what it needs and has not', (name) => {
    const profile = profiles.get(name)!;
    const needs: string[] = [];
    if (typeof profile.target !== 'number') needs.push('target');
    if ('fromTrigger' in profile.prometheus) needs.push('query');
    if (profile.series === 'queue') needs.push('queue');
    const result = compileTrigger({ profile: name }, profiles);
    expect(result.ok ? [] : result.problems.map((each) => each.key)).toEqual(needs);
  });
});

describe('the policy', () => {
  test('knows what a replica can do, how long it takes to come and when it is wanted', () => {
    const { policy } = compiled({
      profile: 'vllm-waiting',
      slots: '4',
      serviceTime: '8',
      leadTime: '3m',
      tier: '1',
      warmWindows: '0 8 * * 1-5/10h=2',
      sleepWindows: '0 22 * * */9h',
      timezone: 'Europe/Berlin',
    });
    expect(policy).toMatchObject({
      slots: 4,
      serviceTime: 8000,
      leadTime: 180_000,
      leadTimeGiven: true,
      tier: 1,
    });
    expect(policy.schedule).toEqual({
      timezone: 'Europe/Berlin',
      warm: [{ start: '0 8 * * 1-5', length: 36_000_000, replicas: 2 }],
      sleep: [{ start: '0 22 * * *', length: 32_400_000 }],
    });
    expect(
      compiled({ profile: 'vllm-waiting', sleepWindows: '0 22 * * */9h' }).policy.schedule,
    ).toMatchObject({
      timezone: 'UTC',
      warm: [],
    });
  });

  test('has the defaults of the design', () => {
    const { policy, ...rest } = compiled({ profile: 'dcgm-gpu-util' });
    expect(policy).toMatchObject({
      tolerance: 0.1,
      holdFor: 300_000,
      minReplicas: 0,
      maxReplicas: null,
      burst: true,
      scaleDownWindow: 0,
      leadTime: 600_000,
      leadTimeGiven: false,
      slots: null,
      serviceTime: null,
      slo: null,
      forecast: 'off',
      schedule: null,
      deadline: null,
      tier: 2,
      output: 'replicas',
      dryRun: false,
    });
    expect(policy.signals[0]).toMatchObject({ kind: 'intensive', target: 40 });
    expect(rest).toMatchObject({
      workload: null,
      service: null,
      queue: null,
      model: null,
      query: null,
      prometheusAddress: null,
    });
  });

  test('takes what the trigger says', () => {
    const trigger = compiled({
      profile: 'vllm-waiting',
      target: '8',
      model: 'llama',
      workload: 'statefulset/llm',
      service: 'llm-front',
      minReplicas: '1',
      maxReplicas: '4',
      tolerance: '0.2',
      holdFor: '10m',
      burst: 'off',
      scaleDownWindow: '2m',
      dryRun: 'true',
      prometheusAddress: 'http://prometheus:9090',
      scalerAddress: 'pilotlight:50051',
    });
    expect(trigger.policy).toMatchObject({
      minReplicas: 1,
      maxReplicas: 4,
      tolerance: 0.2,
      holdFor: 600_000,
      burst: false,
      scaleDownWindow: 120_000,
      dryRun: true,
    });
    expect(trigger.policy.signals[0]?.target).toBe(8);
    expect(trigger).toMatchObject({
      workload: { kind: 'statefulset', name: 'llm' },
      service: 'llm-front',
      model: 'llama',
      prometheusAddress: 'http://prometheus:9090',
    });
    expect(compiled({ profile: 'vllm-waiting', workload: 'deployment/x' }).workload).toEqual({
      kind: 'deployment',
      name: 'x',
    });
  });

  test('nothing above the maximum', () => {
    expect(messages({ profile: 'vllm-waiting', minReplicas: '5', maxReplicas: '4' })).toEqual([
      'minReplicas: got "5", expected at most maxReplicas, which is 4.',
    ]);
    compiled({ profile: 'vllm-waiting', minReplicas: '4', maxReplicas: '4' });
  });

  test('malformed metadata is refused before profiles are looked at', () => {
    expect(messages({ profile: 'nothing-such', tolerance: 'x' })).toEqual([
      'tolerance: got "x", expected a share from 0 to below 1, such as 0.1.',
    ]);
  });
});

describe('profiles', () => {
  test('several, each with its own target', () => {
    const { policy, profiles: chosen } = compiled({
      profile: 'vllm-waiting, vllm-kv-cache,vllm-waiting',
      target: 'vllm-kv-cache=0.5',
    });
    expect(chosen.map((each) => each.name)).toEqual(['vllm-waiting', 'vllm-kv-cache']);
    expect(policy.signals.map((each) => each.target)).toEqual([5, 0.5]);
  });

  test('one that there is not, with the nearest', () => {
    expect(messages({ profile: 'vllm-waitin', target: '4' })).toEqual([
      'profile: got "vllm-waitin", expected the name of a profile. Did you mean vllm-waiting?',
    ]);
    expect(messages({ profile: 'constructor' })).toEqual([
      'profile: got "constructor", expected the name of a profile.',
    ]);
  });

  test('one query serves one profile', () => {
    const [message] = messages({
      profile: 'promql,promql-mean',
      target: 'promql=1,promql-mean=1',
      query: 'x',
    });
    expect(message).toContain('at most one profile that takes its query from the trigger');
  });
});

describe('targets', () => {
  test.each([
    ['40', 40],
    [' 40 ', 40],
    ['dcgm-gpu-util=55.5', 55.5],
    ['dcgm-gpu-util = 60', 60],
    ['0.000000001', 1e-9],
  ])('%j is %d', (target, value) => {
    expect(compiled({ profile: 'dcgm-gpu-util', target }).policy.signals[0]?.target).toBe(value);
  });

  test('one for the wake profile makes a sized wake-up', () => {
    const { policy } = compiled({ profile: 'dcgm-gpu-util', target: 'gateway-rps=2,dcgm-gpu-util=30' });
    expect(policy.signals[0]?.target).toBe(30);
    expect(policy.wake).toMatchObject({ target: 2, sized: true });
  });

  test.each([
    ['0', 'target: got "0", expected a number > 0.'],
    ['-1', 'target: got "-1", expected a number > 0.'],
    ['1e9', 'target: got "1e9", expected a number > 0.'],
    ['1.2.3', 'target: got "1.2.3", expected a number > 0.'],
    ['dcgm-gpu-util=', 'target: got "dcgm-gpu-util=", expected a number > 0.'],
    ['dcgm-gpu-util=1=2', 'target: got "dcgm-gpu-util=1=2", expected a number > 0.'],
    [
      'dcgm-gpu-utl=5',
      'target: got "dcgm-gpu-utl", expected a profile of this trigger. Did you mean dcgm-gpu-util?',
    ],
    ['vllm-waiting=5', 'target: got "vllm-waiting", expected a profile of this trigger.'],
    ['=5', 'target: got "", expected a profile of this trigger.'],
    ['40,50', 'target: got "40,50", expected one value for dcgm-gpu-util.'],
    ['40,', 'target: got "", expected a number > 0.'],
  ])('%j is none', (target, message) => {
    expect(messages({ profile: 'dcgm-gpu-util', target })).toEqual([message]);
  });

  test('one bare number does for one profile only', () => {
    expect(messages({ profile: 'vllm-waiting,dcgm-gpu-util', target: '40' })).toEqual([
      'target: got "40", expected NAME=VALUE pairs where there are several profiles.',
    ]);
    expect(compiled({ profile: 'vllm-waiting,vllm-waiting', target: '40' }).policy.signals).toHaveLength(1);
  });

  test('slots give the target of the concurrency profiles', () => {
    const { policy } = compiled({ profile: 'triton-concurrency', slots: '8' });
    expect(policy.signals[0]?.target).toBeCloseTo(5.6);
    expect(
      compiled({ profile: 'triton-concurrency', slots: '8', target: '3' }).policy.signals[0]?.target,
    ).toBe(3);
    expect(messages({ profile: 'triton-concurrency' })).toEqual([
      'target: got "", expected a target, or slots to work it out from for triton-concurrency, which has no default.',
    ]);
    expect(messages({ profile: 'gateway-rps' })).toEqual([
      'target: got "", expected a target for gateway-rps, which has no default.',
    ]);
  });
});

describe('the metrics that the HPA gets', () => {
  test('one for replicas', () => {
    const { metricSpecs } = compiled({ profile: 'vllm-waiting,vllm-kv-cache' });
    expect(metricSpecs).toEqual([{ name: 'pilotlight-replicas', target: 1 }]);
  });

  test('with the signal as output one for each profile', () => {
    const { metricSpecs, policy } = compiled({ profile: 'vllm-waiting,vllm-kv-cache', output: 'signal' });
    expect(policy.output).toBe('signal');
    expect(metricSpecs).toEqual([
      { name: 'pilotlight-vllm-waiting', target: 5 },
      { name: 'pilotlight-vllm-kv-cache', target: 0.7 },
    ]);
  });

  test('no target that the HPA would read as 0', () => {
    expect(messages({ profile: 'vllm-kv-cache', target: '0.0005', output: 'signal' })).toEqual([
      'target: got "0.0005", expected at least 0.001 with output signal, since the HPA counts in thousandths.',
    ]);
    compiled({ profile: 'vllm-kv-cache', target: '0.0005' });
    compiled({ profile: 'vllm-kv-cache', target: '0.001', output: 'signal' });
  });
});

describe('the wake signal', () => {
  test("is the profile's, and then stops nothing from going to zero", () => {
    const { policy } = compiled({ profile: 'triton-pending' });
    expect(policy.wake).toMatchObject({
      profile: 'gateway-rps',
      required: false,
      sized: false,
      activation: 0,
    });
  });

  test('named by the trigger it is required', () => {
    const { policy } = compiled({ profile: 'triton-pending', wake: 'gateway-rps' });
    expect(policy.wake).toMatchObject({ profile: 'gateway-rps', required: true });
  });

  test('none is none', () => {
    expect(compiled({ profile: 'triton-pending', wake: 'none' })).toMatchObject({
      wake: null,
      policy: { wake: null },
    });
  });

  test('is inherited from the first profile that has one, unless a signal of the trigger is there at zero too', () => {
    expect(compiled({ profile: 'vllm-waiting,triton-pending' }).wake?.name).toBe('gateway-rps');
    expect(compiled({ profile: 'bullmq-backlog,vllm-waiting', queue: 'jobs' }).wake).toBeNull();
    expect(compiled({ profile: 'promql', target: '1', query: 'x' }).wake).toBeNull();
  });

  test('slots and serviceTime size a request rate: 4 slots of 8 s serve 0.35 requests/s at 70 %', () => {
    const { policy } = compiled({ profile: 'triton-concurrency', slots: '4', serviceTime: '8' });
    expect(policy.wake?.target).toBeCloseTo(0.35);
    expect(policy.wake?.sized).toBe(true);
    expect(compiled({ profile: 'triton-concurrency', slots: '4' }).policy.wake?.sized).toBe(false);
  });

  test('takes the activation; without one the signals do', () => {
    const { policy } = compiled({ profile: 'triton-pending', activation: '3' });
    expect([policy.wake?.activation, policy.signals[0]?.activation]).toEqual([3, 0]);
    const own = compiled({ profile: 'triton-pending', activation: '3', wake: 'none' });
    expect(own.policy.signals[0]?.activation).toBe(3);
    expect(
      compiled({ profile: 'bullmq-backlog', queue: 'q', activation: '2' }).policy.signals[0]?.activation,
    ).toBe(2);
  });

  test('a query can wake', () => {
    const trigger = compiled({ profile: 'triton-pending', wake: 'promql', query: 'sum(x)' });
    expect(trigger).toMatchObject({
      query: 'sum(x)',
      wake: { name: 'promql' },
      policy: { wake: { sized: false, required: true } },
    });
  });

  test.each([
    [
      { wake: 'vllm-waiting' },
      /^wake: got "vllm-waiting", expected a profile that does not need the pods: .*gateway-rps/,
    ],
    [
      { wake: 'gateway-rp' },
      /^wake: got "gateway-rp", expected the name of a profile, or none\. Did you mean gateway-rps\?$/,
    ],
    [{ wake: 'promql' }, /^query: got "", expected PromQL \(required by the profile\)/],
    [{ wake: 'bullmq-backlog' }, /^queue: got "", expected a BullMQ queue/],
  ])('%j is refused', (raw, message) => {
    expect(messages({ profile: 'triton-pending', ...raw })[0]).toMatch(message);
  });
});

describe('keys that only mean something beside another', () => {
  test('a query without a profile that takes one', () => {
    expect(messages({ profile: 'vllm-waiting', query: 'sum(x)' })).toEqual([
      'query: got "sum(x)", expected no query: the profile brings its own; profile promql takes one.',
    ]);
  });

  test('a model where the profile does not tell models apart', () => {
    expect(messages({ profile: 'dcgm-gpu-util', model: 'llama' })).toEqual([
      'model: got "llama", expected no model: dcgm-gpu-util does not tell models apart.',
    ]);
    expect(compiled({ profile: 'dcgm-gpu-util,vllm-waiting', model: 'llama' }).model).toBe('llama');
  });

  test.each(['on', 'auto'])('forecast %s without an slo', (forecast) => {
    expect(messages({ profile: 'vllm-waiting', forecast })).toEqual([
      `forecast: got "${forecast}", expected an slo beside it, such as 10s@99%: what a wait costs decides how far ahead is worth paying for.`,
    ]);
    expect(compiled({ profile: 'vllm-waiting', forecast, slo: '10s@99%' }).policy).toMatchObject({
      forecast,
      slo: { wait: 10_000, share: 0.99 },
    });
    expect(compiled({ profile: 'vllm-waiting', forecast: 'off' }).policy.forecast).toBe('off');
  });

  test('a time zone of no windows, and windows above the most', () => {
    expect(messages({ profile: 'vllm-waiting', timezone: 'Europe/Berlin' })).toEqual([
      'timezone: got "Europe/Berlin", expected warmWindows or sleepWindows beside it.',
    ]);
    expect(
      messages({ profile: 'vllm-waiting', maxReplicas: '4', warmWindows: '0 8 * * */1h=2;0 9 * * */1h=5' }),
    ).toEqual(['warmWindows: got "5", expected at most maxReplicas, which is 4.']);
  });

  test('a deadline where no jobs are counted, or where nobody says how long one takes', () => {
    expect(messages({ profile: 'vllm-waiting', deadline: '1h', serviceTime: '30' })).toEqual([
      'deadline: got "60 min", expected no deadline: vllm-waiting does not count the jobs of a queue (an extensive profile with series queue does).',
    ]);
    expect(messages({ profile: 'bullmq-backlog', queue: 'jobs', deadline: '1h' })).toEqual([
      'deadline: got "60 min", expected serviceTime beside it: how long one job takes.',
    ]);
    const raw = { profile: 'bullmq-backlog', queue: 'jobs', deadline: '1h', serviceTime: '30' };
    expect(compiled(raw).policy).toMatchObject({ deadline: 3_600_000, serviceTime: 30_000, slots: null });
  });

  test('all that is wrong comes at once', () => {
    const keys = messages({
      profile: 'vllm-waiting,nope',
      target: 'x=1',
      wake: 'nope',
      model: 'm',
      query: 'q',
    }).map((each) => each.slice(0, each.indexOf(':')));
    expect(keys).toEqual(['profile', 'wake', 'target', 'query']);
  });
});

test('the order of the keys does not matter: KEDA sends a map', () => {
  const raw = { profile: 'vllm-waiting', target: '8', minReplicas: '1', wake: 'none', tolerance: '0.2' };
  const reversed = Object.fromEntries(Object.entries(raw).toReversed());
  expect(compiled(reversed)).toEqual(compiled(raw));
});
