import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  metadataSchema,
  parseMetadata,
  problem,
  shortened,
  type MetadataProblem,
} from '../../src/policy/metadata.js';

type Raw = Record<string, string>;

function accepted(raw: Raw) {
  const parsed = parseMetadata({ profile: 'queue', ...raw });
  if (!parsed.ok) throw new Error(parsed.problems.map((each) => each.message).join('\n'));
  return parsed.metadata;
}

function refused(raw: Raw): readonly MetadataProblem[] {
  const parsed = parseMetadata({ profile: 'queue', ...raw });
  if (parsed.ok) throw new Error(`accepted: ${JSON.stringify(raw)}`);
  return parsed.problems;
}

const MINUTE = 60_000;

describe('a key that is well written', () => {
  const good: [key: string, text: string, value: unknown][] = [
    ['profile', 'a', 'a'],
    ['profile', 'vllm-waiting, dcgm-gpu-util ,x', 'vllm-waiting, dcgm-gpu-util ,x'],
    ['target', '40', '40'],
    ['target', 'a=1, b=2.5', 'a=1, b=2.5'],
    ['activation', '0', 0],
    ['activation', '2.5', 2.5],
    ['wake', 'none', 'none'],
    ['query', 'sum(rate(x[1m]))', 'sum(rate(x[1m]))'],
    ['workload', 'deployment/triton.v2', 'deployment/triton.v2'],
    ['workload', 'statefulset/x', 'statefulset/x'],
    ['service', 'triton', 'triton'],
    ['queue', 'jobs', 'jobs'],
    ['queue', '{bull}:jobs', '{bull}:jobs'],
    ['model', 'meta-llama/Llama 3 "8B" (α)', 'meta-llama/Llama 3 "8B" (α)'],
    ['slots', '4', 4],
    ['slots', '0.5', 0.5],
    ['serviceTime', '8', 8000],
    ['serviceTime', '0.25', 250],
    ['serviceTime', '1m30s', 90_000],
    ['tolerance', '0', 0],
    ['tolerance', '0.25', 0.25],
    ['holdFor', '0s', 0],
    ['holdFor', '24h', 1440 * MINUTE],
    ['minReplicas', '0', 0],
    ['minReplicas', '150000', 150_000],
    ['maxReplicas', '1', 1],
    ['burst', 'off', 'off'],
    ['scaleDownWindow', '10m', 10 * MINUTE],
    ['slo', '10s@99%', { wait: 10_000, share: 0.99 }],
    ['slo', '24h@50%', { wait: 1440 * MINUTE, share: 0.5 }],
    ['slo', '1m30s@99.95%', { wait: 90_000, share: 0.9995 }],
    ['slo', '1s@100%', { wait: 1000, share: 1 }],
    ['forecast', 'auto', 'auto'],
    ['leadTime', 'auto', 'auto'],
    ['leadTime', '24h', 1440 * MINUTE],
    ['warmWindows', '0 8 * * 1-5/10h=2', [{ start: '0 8 * * 1-5', length: 600 * MINUTE, replicas: 2 }]],
    [
      'warmWindows',
      ' 0  8 * * MON-FRI / 10h = 2 ; */30 9-17/2 1,15 * * / 20m=150000;',
      [
        { start: '0 8 * * MON-FRI', length: 600 * MINUTE, replicas: 2 },
        { start: '*/30 9-17/2 1,15 * *', length: 20 * MINUTE, replicas: 150_000 },
      ],
    ],
    ['warmWindows', '0 0 29 2 */168h=1', [{ start: '0 0 29 2 *', length: 168 * 60 * MINUTE, replicas: 1 }]],
    ['sleepWindows', '0 22 * * */9h', [{ start: '0 22 * * *', length: 540 * MINUTE }]],
    ['timezone', 'Europe/Berlin', 'Europe/Berlin'],
    ['timezone', 'UTC', 'UTC'],
    ['timezone', 'America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['deadline', '1s', 1000],
    ['deadline', '168h', 168 * 60 * MINUTE],
    ['tier', '1', '1'],
    ['output', 'signal', 'signal'],
    ['dryRun', 'true', 'true'],
    [
      'prometheusAddress',
      'https://prometheus.monitoring.svc:9090/a',
      'https://prometheus.monitoring.svc:9090/a',
    ],
    ['scalerAddress', 'pilotlight.keda.svc:50051', 'pilotlight.keda.svc:50051'],
    ['enableTLS', 'true', 'true'],
    ['unsafeSsl', 'whatever KEDA sends', 'whatever KEDA sends'],
  ];

  test.each(good)('%s: %s', (key, text, value) => {
    expect(accepted({ [key]: text })).toHaveProperty(key, value);
  });

  test('every key of the schema is in this table', () => {
    expect(new Set(good.map(([key]) => key))).toEqual(new Set(Object.keys(metadataSchema.shape)));
  });
});

describe('a key that is malformed is refused by name, value and what was expected', () => {
  const bad: [key: string, text: string, expected: string][] = [
    ['profile', 'Queue', 'one or more profile names'],
    ['profile', 'a,,b', 'one or more profile names'],
    ['profile', 'a,', 'one or more profile names'],
    ['profile', Array.from({ length: 17 }, () => 'a').join(','), 'one or more profile names'],
    ['target', '40%', 'a number > 0'],
    ['target', 'NaN', 'a number > 0'],
    ['activation', '-1', 'a number ≥ 0'],
    ['activation', 'Infinity', 'a number ≥ 0'],
    ['activation', '0x10', 'a number ≥ 0'],
    ['wake', 'A B', 'the name of a profile that does not need the pods, or none'],
    ['query', 'x'.repeat(4097), 'PromQL, at most 4096 characters'],
    ['workload', 'triton', 'deployment/NAME or statefulset/NAME'],
    ['workload', 'daemonset/triton', 'deployment/NAME or statefulset/NAME'],
    ['workload', 'deployment/Triton', 'deployment/NAME or statefulset/NAME'],
    ['workload', 'deployment/../other', 'deployment/NAME or statefulset/NAME'],
    ['workload', 'deployment/a\n', 'deployment/NAME or statefulset/NAME'],
    ['service', 'other-namespace/svc', 'the name of a Kubernetes Service'],
    ['queue', 'a:b:c', 'a BullMQ queue'],
    ['queue', 'a*', 'a BullMQ queue'],
    ['model', 'a\u0000b', 'a model name of at most 256 printable characters'],
    ['model', 'm'.repeat(257), 'a model name of at most 256 printable characters'],
    ['slots', '0', 'a number of requests > 0'],
    ['slots', '1/2', 'a number of requests > 0'],
    ['serviceTime', '0', 'seconds > 0'],
    ['serviceTime', '0s', 'seconds > 0'],
    ['serviceTime', '25h', 'seconds > 0'],
    ['serviceTime', '8 s', 'seconds > 0'],
    ['tolerance', '1', 'a share from 0 to below 1'],
    ['tolerance', '10%', 'a share from 0 to below 1'],
    ['holdFor', '5', 'a duration such as 90s, 5m or 1h30m, at most 24h'],
    ['holdFor', '25h', 'a duration such as 90s, 5m or 1h30m, at most 24h'],
    ['minReplicas', '1.5', 'a whole number from 0 to 150000'],
    ['minReplicas', '150001', 'a whole number from 0 to 150000'],
    ['minReplicas', '-1', 'a whole number from 0 to 150000'],
    ['maxReplicas', '0', 'a whole number from 1 to 150000'],
    ['maxReplicas', '999999999999', 'a whole number from 1 to 150000'],
    ['burst', 'yes', 'on or off'],
    ['scaleDownWindow', '-5m', 'a duration'],
    ['slo', '10s', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '0s@99%', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '25h@99%', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '10s@0.99', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '10s@0.99%', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '10s@101%', 'WAIT@SHARE such as 10s@99%'],
    ['slo', '10@99%', 'WAIT@SHARE such as 10s@99%'],
    ['forecast', 'true', 'off or on or auto'],
    ['leadTime', '0s', 'auto, or a duration from 1s to 24h'],
    ['leadTime', '25h', 'auto, or a duration from 1s to 24h'],
    ['warmWindows', '0 8 * * 1-5/10h', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5/10h=0', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5/10h=150001', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5/10h=1.5', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5/169h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5/0s=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * 1-5=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '60 8 * * */1h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 0 30 2 */1h=1', 'of a time that comes'],
    ['warmWindows', '0 0 8 * * */1h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '@daily/1h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '? ? * * */1h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', ';', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', '0 8 * * */1h=1;;0 9 * * */1h=1', 'windows CRON/LENGTH=REPLICAS'],
    ['warmWindows', Array.from({ length: 9 }, () => '0 8 * * */1h=1').join(';'), 'at most 8'],
    ['sleepWindows', '0 22 * * */9h=1', 'windows CRON/LENGTH such as'],
    ['sleepWindows', '22:00/9h', 'windows CRON/LENGTH such as'],
    ['timezone', 'Berlin', 'an IANA time zone'],
    ['timezone', '+02:00', 'an IANA time zone'],
    ['timezone', 'Europe/Berlin/../x', 'an IANA time zone'],
    ['deadline', '0s', 'a duration from 1s to 168h'],
    ['deadline', '169h', 'a duration from 1s to 168h'],
    ['tier', '3', '1 or 2'],
    ['output', 'value', 'replicas or signal'],
    ['dryRun', 'True', 'true or false'],
    ['prometheusAddress', 'file:///etc/passwd', 'an http or https address'],
    ['prometheusAddress', 'http://a b', 'an http or https address'],
  ];

  test.each(bad)('%s: %j', (key, text, expected) => {
    const [only, ...others] = refused({ [key]: text });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ key, nearest: null });
    expect(only?.expected).toContain(expected);
    expect(only?.message).toBe(`${key}: got "${shortened(text)}", expected ${only?.expected}.`);
  });

  test('all at once', () => {
    const problems = refused({ tolerance: '2', minReplicas: 'x', taget: '3', slo: '10s' });
    expect(problems.map((each) => each.key).toSorted()).toEqual(['minReplicas', 'slo', 'taget', 'tolerance']);
  });

  test('a profile there must be', () => {
    for (const raw of [{}, { profile: '' }, { profileFromEnv: '' }] as Raw[]) {
      const parsed = parseMetadata(raw);
      expect(parsed).toMatchObject({ ok: false, problems: [{ key: 'profile', value: '' }] });
      expect(parsed.ok ? '' : parsed.problems[0]?.message).toContain('(required)');
    }
  });
});

describe("KEDA's manners", () => {
  test('an empty value is a key left empty, and has its default', () => {
    const empty = Object.fromEntries(Object.keys(metadataSchema.shape).map((key) => [key, '']));
    expect(accepted({ ...empty, profile: 'queue', slo: '', forecast: '' })).toEqual(accepted({}));
  });

  test('the defaults', () => {
    expect(accepted({})).toEqual({
      profile: 'queue',
      tolerance: 0.1,
      holdFor: 5 * MINUTE,
      minReplicas: 0,
      burst: 'on',
      scaleDownWindow: 0,
      forecast: 'off',
      leadTime: 'auto',
      tier: '2',
      output: 'replicas',
      dryRun: 'false',
    });
  });

  test('xFromEnv is x', () => {
    expect(accepted({ targetFromEnv: '40', modelFromEnv: 'llama' })).toMatchObject({
      target: '40',
      model: 'llama',
    });
    expect(refused({ toleranceFromEnv: '7' })[0]?.message).toContain('tolerance: got "7"');
  });

  test.each([[{ target: '40', targetFromEnv: '50' }], [{ targetFromEnv: '50', target: '40' }]])(
    '%j is one too many',
    (raw) => {
      expect(refused(raw)).toMatchObject([{ expected: 'either target or targetFromEnv, not both' }]);
    },
  );

  test.each([[{ target: '', targetFromEnv: '50' }], [{ targetFromEnv: '50', target: '' }]])(
    '%j is not, in either order',
    (raw) => expect(accepted(raw).target).toBe('50'),
  );

  test('an unknown key that is empty is a typo all the same', () => {
    expect(refused({ taget: '' })).toMatchObject([{ key: 'taget', nearest: 'target' }]);
  });
});

describe('an unknown key', () => {
  test.each([
    ['taget', 'target'],
    ['hold_for', 'holdFor'],
    ['prometheusAdress', 'prometheusAddress'],
    ['serverAddress', 'scalerAddress'],
    ['threshold', null],
    ['FromEnv', null],
    ['tagetFromEnv', 'target'],
  ])('%s: did you mean %s?', (key, near) => {
    const [only] = refused({ [key]: '4' });
    expect(only?.nearest).toBe(near);
    expect(only?.message).toContain('got "4", expected one of the known keys.');
    if (near !== null) expect(only?.message).toContain(`Did you mean ${near}?`);
  });
});

describe('what a tenant may try', () => {
  test('ten thousand keys', () => {
    const raw = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key-${index}`, 'x']));
    expect(refused(raw)).toMatchObject([
      { key: 'metadata', value: '10001 keys', expected: 'at most 64 keys' },
    ]);
  });

  test('a megabyte', () => {
    const [value] = refused({ query: 'x'.repeat(1_000_000) });
    expect(value).toMatchObject({
      key: 'query',
      value: '1000000 characters',
      expected: 'at most 8192 characters',
    });
    const [key] = refused({ ['k'.repeat(1_000_000)]: 'x' });
    expect(key?.expected).toBe('keys of at most 128 characters');
    expect(key?.message.length).toBeLessThan(200);
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'])(
    'the key %s',
    (key) => {
      const raw = JSON.parse(`{"profile":"queue",${JSON.stringify(key)}:"x"}`) as Raw;
      const parsed = parseMetadata(raw);
      expect(parsed).toMatchObject({
        ok: false,
        problems: [{ key, value: 'x', expected: 'one of the known keys' }],
      });
      expect(({} as Raw)['x']).toBeUndefined();
    },
  );

  test('control characters, line ends and text that runs backwards do not reach a log', () => {
    const message = refused({ dryRun: 'a\u0000b\nc\u001B[31md\u2028e\u202Ef\r' })[0]?.message;
    expect(message).toBe('dryRun: got "a·b·c·[31md·e·f·", expected true or false.');
    expect(refused({ 'a\nbFromEnv': '1', 'a\nb': '1' }).every((each) => !/[\n\r]/.test(each.message))).toBe(
      true,
    );
  });

  test('half a character is never cut off: gRPC could not send it', () => {
    const value = `${'a'.repeat(58)}😀😀`;
    expect(shortened(value)).toBe(`${'a'.repeat(58)}·…`);
    expect(() => encodeURI(refused({ dryRun: value })[0]?.message ?? '')).not.toThrow();
    expect(shortened('\uD83D alone')).toBe('· alone');
  });

  test('anything at all is accepted or refused in lines that can be sent', () => {
    const keys = fc.oneof(
      fc.constantFrom(...Object.keys(metadataSchema.shape), '__proto__'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.dictionary(keys, fc.string({ unit: 'binary', maxLength: 100 })), (raw) => {
        const parsed = parseMetadata(raw);
        if (parsed.ok) return;
        expect(parsed.problems.length).toBeGreaterThan(0);
        for (const { key, message } of parsed.problems) {
          expect(message).not.toMatch(/[\p{Cc}\p{Cs}]/u);
          expect(message.length).toBeLessThan(400);
          expect(message.startsWith(`${key}: got "`)).toBe(true);
          expect(() => encodeURI(message)).not.toThrow();
        }
      }),
    );
  });

  test('a pattern that backtracks: long names answer at once', () => {
    for (const profile of [`${'a,'.repeat(4000)}!`, `a${' '.repeat(8000)}!`, '-'.repeat(8000)]) {
      const parsed = parseMetadata({
        profile,
        workload: `deployment/${'a.'.repeat(2000)}!`,
        queue: 'a:'.repeat(2000),
      });
      expect(parsed.ok).toBe(false);
    }
  });
});

test('a problem in one line', () => {
  expect(problem('target', '4O', 'a number > 0', 'target').message).toBe(
    'target: got "4O", expected a number > 0. Did you mean target?',
  );
});
