import { describe, expect, test } from 'vitest';
import {
  environmentOf,
  flagOf,
  isRepeatable,
  printableSettings,
  resolveSettings,
  SETTING_HELP,
  SETTING_NAMES,
} from '../../src/server/settings.js';

const NOTHING = { flags: {}, environment: {}, file: null };

function file(values: unknown) {
  return { path: '/etc/pilotlight.yaml', values };
}

function faults(layers: Partial<Parameters<typeof resolveSettings>[0]>): string[] {
  try {
    resolveSettings({ ...NOTHING, ...layers });
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  throw new Error('expected the settings to be refused');
}

describe('where a setting comes from', () => {
  test('flags over the environment over the file over defaults', () => {
    const flags = { tick: '1s' };
    const environment = { PILOTLIGHT_TICK: '2s', PILOTLIGHT_DRAIN: '4s', OTHER: 'x' };
    const values = { tick: '3s', drain: '5s', rateWindow: '2m' };
    expect(resolveSettings({ flags, environment, file: file(values) })).toMatchObject({
      tick: 1000,
      drain: 4000,
      rateWindow: '2m',
      grpcListen: '0.0.0.0:50051',
      httpListen: '0.0.0.0:8080',
    });
  });

  test('an empty variable is none', () => {
    expect(resolveSettings({ ...NOTHING, environment: { PILOTLIGHT_TICK: '' } }).tick).toBe(5000);
  });

  test('every setting has a flag, a variable and a line of help', () => {
    for (const name of SETTING_NAMES) {
      expect(flagOf(name)).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      expect(environmentOf(name)).toMatch(/^PILOTLIGHT_[A-Z]+(?:_[A-Z]+)*$/);
      expect(SETTING_HELP[name].length).toBeGreaterThan(5);
    }
  });

  test('lists: repeated flags with commas in them, but for headers, which may have commas', () => {
    const flags = {
      namespaces: ['a,b', 'c'],
      scalerAddress: ['a:1, b:2'],
      allowQueue: ['a=x:y,b=x:y'],
      prometheusHeader: ['Cookie=a, b=c'],
    };
    expect(resolveSettings({ ...NOTHING, flags })).toMatchObject({
      namespaces: ['a', 'b', 'c'],
      scalerAddress: ['a:1', 'b:2'],
      allowQueue: ['a=x:y', 'b=x:y'],
      prometheusHeader: ['Cookie=a, b=c'],
    });
    expect(isRepeatable('namespaces')).toBe(true);
  });

  test('a port that there is not, and a key that is nearly `gpu`', () => {
    expect(faults({ flags: { scalerAddress: ['a:99999'] } })).toEqual([
      '--scaler-address: got ["a:99999"], expected HOST:PORT as in the scalerAddress of ScaledObjects',
    ]);
    expect(faults({ file: file({ gpus: {} }) })).toEqual([
      '/etc/pilotlight.yaml: gpus: no such setting; did you mean gpu?',
    ]);
  });

  test('lists: repeated flags, commas in the environment, a sequence in the file', () => {
    const urls = ['http://a:9090', 'https://b/prometheus'];
    for (const layer of [
      { flags: { allowPrometheus: urls } },
      { environment: { PILOTLIGHT_ALLOW_PROMETHEUS: urls.join(', ') } },
      { file: file({ allowPrometheus: urls }) },
    ])
      expect(resolveSettings({ ...NOTHING, ...layer }).allowPrometheus).toEqual(urls);
  });

  test('switches', () => {
    expect(resolveSettings({ ...NOTHING, flags: { reflection: true } }).reflection).toBe(true);
    expect(resolveSettings({ ...NOTHING, environment: { PILOTLIGHT_REFLECTION: 'true' } }).reflection).toBe(
      true,
    );
    expect(resolveSettings({ ...NOTHING, file: file({ reflection: false }) }).reflection).toBe(false);
  });
});

describe('what is wrong is named with where it was given, what it was and what was expected', () => {
  test.each([
    [{ flags: { tick: 'soon' } }, '--tick: got "soon", expected a duration such as 90s, 5m or 1h30m'],
    [{ flags: { tick: '0s' } }, '--tick: got "0s", expected a duration such as 90s, 5m or 1h30m'],
    [
      { environment: { PILOTLIGHT_GRPC_LISTEN: '50051' } },
      'PILOTLIGHT_GRPC_LISTEN: got "50051", expected HOST:PORT, such as 0.0.0.0:50051',
    ],
    [
      { flags: { httpListen: '0.0.0.0:99999' } },
      '--http-listen: got "0.0.0.0:99999", expected HOST:PORT, such as 0.0.0.0:50051',
    ],
    [
      { file: file({ redis: 'http://cache' }) },
      '/etc/pilotlight.yaml: redis: got "http://cache", expected a redis or rediss URL',
    ],
    [
      { file: file({ promethus: 'http://a' }) },
      '/etc/pilotlight.yaml: promethus: no such setting; did you mean prometheus?',
    ],
    [
      { flags: { allowPrometheus: ['http://a', 'nonsense'] } },
      '--allow-prometheus: got ["http://a","nonsense"], expected an http or https URL',
    ],
    [{ flags: { logLevel: 'loud' } }, '--log-level: got "loud", expected debug, info, warn, error or silent'],
    [
      { environment: { PILOTLIGHT_REFLECTION: 'yes' } },
      'PILOTLIGHT_REFLECTION: got "yes", expected true or false',
    ],
    [{ flags: { tlsCert: 'a.pem' } }, '--tls-cert and --tls-key: expected both or neither'],
    [{ flags: { tlsClientCa: 'a.pem' } }, '--tls-client-ca: expected --tls-cert and --tls-key beside it'],
    [{ file: file('text') }, '/etc/pilotlight.yaml: expected settings such as "tick: 5s"'],
    [{ file: file(['tick']) }, '/etc/pilotlight.yaml: expected settings such as "tick: 5s"'],
  ])('%j', (layers, message) => {
    expect(faults(layers)).toEqual([message]);
  });

  test('all of them at once', () => {
    expect(
      faults({ flags: { tick: 'soon', prometheus: 'here' }, environment: { PILOTLIGHT_DRAIN: '-1s' } }),
    ).toEqual([
      '--prometheus: got "here", expected an http or https URL',
      '--tick: got "soon", expected a duration such as 90s, 5m or 1h30m',
      'PILOTLIGHT_DRAIN: got "-1s", expected a duration such as 90s, 5m or 1h30m',
    ]);
  });

  test('a password in a wrong setting is not repeated', () => {
    const said = faults({ flags: { redis: 'http://:hunter2@cache:6379' } }).join();
    expect(said).toContain('--redis: got ');
    expect(said).not.toContain('hunter2');
  });
});

describe('what --print-config shows', () => {
  const SECRET = 'hunter2';

  test.each([
    { redis: `redis://:${SECRET}@cache:6379/0` },
    { redis: `rediss://user:p@ss${SECRET}@cache:6379` },
    { prometheus: `https://user:${SECRET}@prometheus:9090` },
    { allowPrometheus: [`http://a:9090`, `http://user:${SECRET}@b:9090`] },
    { prometheusHeader: [`X-Scope-OrgID=${SECRET}`, `Authorization=Bearer ${SECRET}`] },
  ])('no secret of %j', (flags) => {
    const shown = JSON.stringify(printableSettings(resolveSettings({ ...NOTHING, flags })));
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain('p@ss');
    expect(shown).toContain('***');
  });

  test('what it shows can be given back', () => {
    const flags = {
      tick: '1500s',
      drain: '90s',
      redis: 'redis://cache:6379',
      prometheusHeader: [],
      noCluster: true,
    };
    const settings = resolveSettings({ ...NOTHING, flags });
    const shown = printableSettings(settings);
    expect(resolveSettings({ ...NOTHING, file: file(shown) })).toEqual(settings);
  });
});
