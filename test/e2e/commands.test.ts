import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { UsageError, type Command } from '../../src/cli/command.js';
import { explain, publishedText } from '../../src/cli/explain.js';
import { profiles } from '../../src/cli/profiles.js';
import { serve, whatIsUnread } from '../../src/cli/serve.js';
import { resolveSettings, SettingsError } from '../../src/server/settings.js';
import { serveHere } from '../support/running-server.js';

/** The commands without a process of their own, for what ends before it has begun. */

let printed = '';
let complained = '';

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

describe('wrong usage', () => {
  const commands: Readonly<Record<string, Command>> = { explain, profiles, serve };

  test.each<[string, RegExp]>([
    ['explain', /expected NAMESPACE\/NAME/],
    ['explain triton', /expected NAMESPACE\/NAME/],
    ['explain shop/triton/more', /expected NAMESPACE\/NAME/],
    ['explain shop/triton shop/other', /expected NAMESPACE\/NAME/],
    ['explain shop/triton --serve x', /did you mean --server\?/],
    ['profiles triton-pendin', /no profile "triton-pendin"; did you mean triton-pending\?/],
    ['serve --grpc-liste :1', /did you mean --grpc-listen\?/],
    ['serve now', /unexpected argument "now"/],
  ])('%s', async (line, words) => {
    const [name = '', ...args] = line.split(' ');
    // A command that is not async throws at once.
    const run = Promise.resolve().then(() => commands[name]!.run(args));
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(words);
    expect(printed).toBe('');
  });
});

describe('wrong settings', () => {
  test.each<[string[], RegExp]>([
    [['--config', '/no/such/file.yaml'], /^--config \/no\/such\/file\.yaml: no such file$/],
    [
      ['--token-file', '/no/such/token'],
      /^--token-file \/no\/such\/token: expected a file that holds a token/,
    ],
    [['--prometheus', 'http://user:hunter2@prometheus:9090'], /^--prometheus: .*user or password/],
  ])('%j', async (args, words) => {
    const listen = ['--grpc-listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];
    const run = serve.run([...listen, ...args]);
    await expect(run).rejects.toThrow(SettingsError);
    await expect(run).rejects.toThrow(words);
    await expect(run).rejects.not.toThrow('hunter2');
    expect(printed).toBe('');
  });
});

test('serve says which signals it has no source for', () => {
  const unread = (flags: Record<string, unknown>) =>
    whatIsUnread(resolveSettings({ flags, environment: {}, file: null }));
  const neither = 'neither --prometheus nor --scrape-targets is given: ';
  expect(unread({})).toBe(`${neither}no signal can be read`);
  expect(unread({ redis: 'redis://r:1' })).toBe(`${neither}only backlogs of BullMQ queues can be read`);
  expect(unread({ allowPrometheus: ['http://p:1'] })).toContain('only triggers that name an allowed');
  expect(unread({ prometheus: 'http://p:1' })).toBeNull();
  expect(unread({ scrapeTargets: 'targets.json' })).toBeNull();
  expect(serve.usage).toContain('The key gpu (');
});

describe('explain', () => {
  test('without a server says where it looked', async () => {
    expect(await explain.run(['shop/triton', '--server', 'http://127.0.0.1:1/'])).toBe(1);
    expect(complained).toMatch(/no server answers at http:\/\/127\.0\.0\.1:1\/v1\/workloads\/shop\/triton: /);
  });

  test('gives what the server knows, as text and as JSON', async () => {
    const server = await serveHere();
    const metadata = { profile: 'triton-pending', target: '10' };
    await server.keda.isActive({ namespace: 'shop', name: 'triton', metadata }).catch(() => undefined);
    const from = ['--server', server.http];
    expect(await explain.run(['shop/triton', ...from])).toBe(0);
    expect(printed).toMatch(/^shop\/triton → deployment\/triton, by triton-pending\n {2}blind: .*no source/);
    expect(printed).toContain(
      '  published  nothing: calls answer UNAVAILABLE, and KEDA keeps what there is\n',
    );
    printed = '';
    expect(await explain.run(['shop/triton', ...from, '--json'])).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({
      name: 'triton',
      triggers: [{ decision: { verdict: 'blind' } }],
    });
    printed = '';
    expect(await explain.run(['shop/nobody', ...from])).toBe(1);
    expect([printed, complained]).toEqual(['', expect.stringContaining('no ScaledObject shop/nobody')]);
    await server.stop();
  });
});

test('explain says what the HPA does not get', () => {
  const specs = [{ name: 'pilotlight-replicas', target: 1 }];
  const decision = { verdict: 'fresh' as const, metrics: [0], presumesZero: false };
  expect(publishedText(decision, specs)).toBe('pilotlight-replicas = 0, target 1');
  expect(publishedText({ ...decision, presumesZero: true }, specs)).toBe(
    'pilotlight-replicas = 0, target 1; nothing to the HPA, whose calls answer UNAVAILABLE',
  );
});

describe('profiles', () => {
  test('lists all, with their targets and what wakes them', async () => {
    expect(await profiles.run([])).toBe(0);
    expect(printed).toMatch(/^PROFILE +KIND +TARGET +WAKE +MEANING$/m);
    expect(printed).toMatch(/^dcgm-gpu-util +intensive +40 percent +gateway-rps +\S/m);
    expect(printed).toMatch(/^vllm-concurrency +extensive +0\.7 × slots +gateway-rps +\S/m);
  });

  test('as JSON too', async () => {
    expect(await profiles.run(['--json'])).toBe(0);
    expect(JSON.parse(printed)).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'bullmq-backlog', series: 'queue' })]),
    );
  });

  test('shows one with the query for all workloads, and with what to mind', async () => {
    expect(await profiles.run(['triton-pending', '--window', '2m'])).toBe(0);
    expect(printed).toContain('sum by (namespace, pod) (nv_inference_pending_request_count)');
    expect(printed).toMatch(/^Mind: /m);
  });
});
