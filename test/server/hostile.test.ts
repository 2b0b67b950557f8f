import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metadataSchema } from '../../src/policy/metadata.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { refusal } from '../support/keda-client.js';
import { servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

/** Any tenant who can write a ScaledObject writes the metadata. */

let api: PrometheusApi;
let stepped: SteppedScaler;

beforeAll(async () => {
  api = await servePrometheusApi((_promql, response) => response.end(vectorOf([])));
  stepped = await stepByHand({ prometheus: api.url });
});

afterAll(async () => {
  await stepped.stop();
  await api.stop();
});

const CALL = { deadlineMs: 10_000 };
const GOOD = { profile: 'triton-pending', scalerAddress: 'pilotlight:50051' };

let refs = 0;

function ref(metadata: Readonly<Record<string, string>>, namespace = 'team-a'): TriggerRef {
  refs += 1;
  return { namespace, name: `model-${refs}`, metadata };
}

/** Every call of the protocol refuses it with the same words. */
async function refused(hostile: TriggerRef): Promise<string> {
  const { keda } = stepped;
  const answers = await Promise.all([
    refusal(keda.isActive(hostile, CALL)),
    refusal(keda.metricSpec(hostile, CALL)),
    refusal(keda.metrics(hostile, 'pilotlight-replicas', CALL)),
  ]);
  const streams = [keda.streamIsActive(hostile), keda.streamMetricSpec(hostile)];
  await expect.poll(() => streams.every(({ ended }) => ended !== null), { interval: 2 }).toBe(true);
  const [first] = answers;
  expect(first.code).toBe('INVALID_ARGUMENT');
  expect(answers).toEqual([first, first, first]);
  expect(streams.map(({ ended }) => ended?.details)).toEqual([first.details, first.details]);
  return first.details;
}

const MARK = 'xyzzy';
const NASTY = [
  `"} or vector(${MARK}) #`,
  `${MARK}"}[1h:1s] or up{a="`,
  `\\${MARK}`,
  `${MARK}\nor vector(1)`,
  `{{by}}${MARK}`,
  `\`${MARK}\``,
  `${MARK}\0`,
  `$(${MARK})`,
  `../../${MARK}`,
  `${MARK}😀`.repeat(8),
];

describe('values', () => {
  /** Not for us to read, or free text that no query ever holds. */
  const FREE = ['scalerAddress', 'enableTLS', 'unsafeSsl', 'model'];
  const CHECKED = Object.keys(metadataSchema.shape).filter((key) => key !== 'query' && !FREE.includes(key));

  test.each(CHECKED)('PromQL in %s is refused with its name and what was expected', async (key) => {
    for (const value of NASTY) {
      const profile = key === 'queue' ? 'bullmq-backlog' : 'triton-pending';
      const details = await refused(ref({ ...GOOD, profile, [key]: value }));
      expect(details).toMatch(new RegExp(`^${key}: .*expected `));
    }
  });

  test.each(FREE)('in %s it gets into no query', async (key) => {
    for (const value of NASTY)
      await stepped.keda.isActive(ref({ ...GOOD, [key]: value })).catch(() => undefined);
    await stepped.scaler.tick();
    expect(api.queries.length).toBeGreaterThan(0);
    expect(api.queries.filter((promql) => promql.includes(MARK))).toEqual([]);
  });
});

describe('size', () => {
  test('many keys', async () => {
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key-${index}`, 'value']));
    expect(await refused(ref({ ...GOOD, ...keys }))).toBe(
      'metadata: got "10002 keys", expected at most 64 keys.',
    );
  });

  test('a long value, a long key', async () => {
    const long = 'x'.repeat(1_000_000);
    expect(await refused(ref({ ...GOOD, model: long }))).toBe(
      'model: got "1000000 characters", expected at most 8192 characters.',
    );
    expect(await refused(ref({ ...GOOD, [long]: '1' }))).toMatch(/expected keys of at most 128 characters/);
  });

  test('a request that no ScaledObject could hold is cut off', async () => {
    const call = stepped.keda.isActive(ref({ ...GOOD, model: 'x'.repeat(3_000_000) }), CALL);
    expect(await refusal(call)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });

  test('as many mistakes as fit give an answer that is not as long', async () => {
    const keys = Object.fromEntries(
      Array.from({ length: 62 }, (_, index) => [`${index}${'字'.repeat(100)}`, '😀'.repeat(2000)]),
    );
    expect((await refused(ref({ ...GOOD, ...keys }))).length).toBeLessThanOrEqual(4096);
  });
});

describe('keys', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__FromEnv', 'FromEnv', ''])(
    '"%s" is no key of ours',
    async (key) => {
      const metadata = Object.fromEntries([...Object.entries(GOOD), [key, 'x']]);
      expect(await refused(ref(metadata))).toContain('expected one of the known keys');
      expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    },
  );

  test('a typo is told the nearest', async () => {
    expect(await refused(ref({ ...GOOD, maxReplica: '3' }))).toContain('Did you mean maxReplicas?');
  });

  test('the same key from the environment and by itself', async () => {
    expect(await refused(ref({ ...GOOD, target: '3', targetFromEnv: '4' }))).toContain('not both');
  });
});

describe('reach', () => {
  test.each([
    ['http://169.254.169.254/latest', 'not on this server'],
    ['http://127.0.0.1:1', 'not on this server'],
    ['http://user:password@prometheus:9090', 'must not hold a user or password'],
    ['file:///etc/passwd', 'expected an http or https address'],
  ])('the Prometheus at %s', async (prometheusAddress, words) => {
    const details = await refused(ref({ ...GOOD, prometheusAddress }));
    expect(details).toMatch(/^prometheusAddress: /);
    expect(details).toContain(words);
  });

  test.each([
    'team-b.render',
    'team-b:render',
    'bull:team-b.render',
    'render',
    'team-ab.render',
    'bull:render',
  ])('the queue %s', async (queue) => {
    const details = await refused(ref({ profile: 'bullmq-backlog', queue }));
    expect(details).toMatch(/^queue: .* does not belong to namespace team-a/);
    expect(details).toContain('--allow-queue team-a=');
  });

  test('the prefix of everybody is not a namespace’s, even if it is called so', async () => {
    expect(await refused(ref({ profile: 'bullmq-backlog', queue: 'bull:team-b.render' }, 'bull'))).toMatch(
      /does not belong to namespace bull/,
    );
  });

  test('a query for another namespace is confined to its own', async () => {
    const query = 'sum(app_queue{namespace="team-b"}) + max({__name__=~".+"}) or app_queue';
    const before = api.queries.length;
    await stepped.keda.isActive(ref({ profile: 'promql', target: '1', query })).catch(() => undefined);
    const asked = api.queries.slice(before).filter((promql) => promql.includes('app_queue'));
    expect(asked).toHaveLength(1);
    expect(asked[0]!.match(/namespace="team-a"/g)).toHaveLength(3);
  });
});

test('thousands of refused calls leave nothing behind', { timeout: 60_000 }, async () => {
  const round = async (name: string) => {
    for (let batch = 0; batch < 20; batch += 1) {
      const calls = Array.from({ length: 50 }, (_, index) =>
        refusal(
          stepped.keda.isActive(ref({ ...GOOD, [`${name}-${batch}-${index}`]: 'x'.repeat(2000) }), CALL),
        ),
      );
      await Promise.all(calls);
    }
  };
  await round('warm-up');
  const [workloads, before] = [stepped.registry.size(), heapUsed()];
  for (const name of ['first', 'second', 'third']) await round(name);
  expect(stepped.registry.size()).toBe(workloads);
  // 3000 calls of 2 kB: kept anywhere, they would be 6 MB and more.
  expect(heapUsed() - before).toBeLessThan(4_000_000);
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
