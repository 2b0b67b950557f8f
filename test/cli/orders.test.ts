import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { announce } from '../../src/cli/announce.js';
import { UsageError } from '../../src/cli/command.js';
import { wake } from '../../src/cli/wake.js';
import { serveHere, type TestServer } from '../support/running-server.js';

/** `announce` and `wake` against a running server. */

let server: TestServer;
let printed = '';
let complained = '';

beforeAll(async () => {
  server = await serveHere();
  const metadata = {
    profile: 'triton-pending',
    slots: '4',
    serviceTime: '30',
    maxReplicas: '8',
    leadTime: '5m',
  };
  await server.keda.isActive({ namespace: 'shop', name: 'triton', metadata }).catch(() => undefined);
});

afterAll(() => server.stop());

beforeEach(() => {
  [printed, complained] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complained += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const desired = () => server.views.named('shop', 'triton')[0]?.decision?.desired;

describe('announce', () => {
  test('says how many replicas are kept from when until when', async () => {
    const args = [
      'shop/triton',
      '--jobs',
      '480',
      '--starts-at',
      '1h',
      '--deadline',
      '10m',
      '--key',
      'nightly',
    ];
    expect(await announce.run([...args, '--server', server.http])).toBe(0);
    expect(printed).toMatch(
      /^accepted: announced: 480 jobs of 30 s by \S+Z: at least 6; from \S+Z until \S+Z\n$/,
    );
  });

  test('the same key again is a duplicate, as JSON too', async () => {
    const times = [
      '--starts-at',
      '2026-01-01T00:00:00Z',
      '--deadline',
      new Date(Date.now() + 7_200_000).toISOString(),
    ];
    const args = ['shop/triton', '--jobs', '8', ...times, '--key', 'k', '--server', server.http, '--json'];
    expect(await announce.run(args)).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ outcome: 'accepted', replicas: 1, inTime: true });
    printed = '';
    expect(await announce.run(args)).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ outcome: 'duplicate', replicas: 1 });
  });

  test('what cannot be done in time is done as far as it can be, and is a failure', async () => {
    expect(
      await announce.run(['shop/triton', '--jobs', '9999', '--deadline', '6m', '--server', server.http]),
    ).toBe(1);
    expect(printed).toMatch(/^accepted: .*cannot be met, short by 2 h 36 min with 8/);
    expect(desired()).toBe(8);
  });

  test.each<[string, RegExp]>([
    ['shop', /expected NAMESPACE\/NAME/],
    ['shop/triton --jobs 0 --deadline 1h', /--jobs: got "0"/],
    ['shop/triton --jobs 5', /--deadline: got "", expected a time such as/],
    ['shop/triton --jobs 5 --deadline noon', /--deadline: got "noon"/],
    ['shop/triton --jobs 5 --deadline 2026-11-23', /--deadline: got "2026-11-23"/],
  ])('%s is wrong usage', async (line, words) => {
    const run = announce.run(line.split(' '));
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(words);
  });
});

describe('wake', () => {
  test('keeps as many as asked for, as long as asked for', async () => {
    expect(await wake.run(['shop/triton', '--replicas', '2', '--for', '1h', '--server', server.http])).toBe(
      0,
    );
    expect(printed).toMatch(/^at least 2 until \S+Z\n$/);
  });

  test('says where there may not be so many', async () => {
    expect(await wake.run(['shop/triton', '--replicas', '9', '--server', server.http])).toBe(0);
    expect(printed).toMatch(/^at least 9 until \S+Z, capped at 8, the most there may be\n$/);
    expect(desired()).toBe(8);
  });

  test('says what the server says is wrong, and where none answers', async () => {
    expect(await wake.run(['shop/nobody', '--server', server.http])).toBe(1);
    expect(complained).toContain('pilotlight wake: no ScaledObject shop/nobody');
    expect(await wake.run(['shop/triton', '--for', '9 weeks', '--server', server.http])).toBe(1);
    expect(complained).toContain('for: expected a duration such as 90s, 5m or 1h30m');
    expect(await wake.run(['shop/triton', '--server', 'http://127.0.0.1:1'])).toBe(1);
    expect(complained).toMatch(/no server answers at http:\/\/127\.0\.0\.1:1\//);
  });

  test.each(['127.0.0.1:8080', 'localhost:8080', 'http://'])(
    'of the server %s is wrong usage',
    async (at) => {
      const run = wake.run(['shop/triton', '--server', at]);
      await expect(run).rejects.toThrow(UsageError);
      await expect(run).rejects.toThrow(
        `--server: got "${at}", expected a URL such as http://127.0.0.1:8080`,
      );
    },
  );

  test('of none is wrong usage', async () => {
    await expect(wake.run(['shop/triton', '--replicas', '0'])).rejects.toThrow(UsageError);
  });
});
