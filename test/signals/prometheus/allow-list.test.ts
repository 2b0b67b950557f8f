import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowed } from '../../../src/signals/prometheus/allow-list.js';

const LIST = [
  'http://prometheus.monitoring:9090',
  'https://mimir.example.com/prometheus/',
  'http://[2001:DB8::1]:9090/p',
];

describe('an address is allowed', () => {
  it.each([
    ['http://prometheus.monitoring:9090', 'http://prometheus.monitoring:9090'],
    ['HTTP://Prometheus.Monitoring:9090/', 'http://prometheus.monitoring:9090'],
    ['http://prometheus.monitoring.:9090', 'http://prometheus.monitoring:9090'],
    ['http://prometheus.monitoring:09090/any/path', 'http://prometheus.monitoring:9090/any/path'],
    ['https://mimir.example.com/prometheus', 'https://mimir.example.com/prometheus'],
    ['https://mimir.example.com:443/prometheus/', 'https://mimir.example.com/prometheus'],
    ['https://mimir.example.com/prometheus/team-a', 'https://mimir.example.com/prometheus/team-a'],
    ['http://[2001:db8:0:0::1]:9090/p', 'http://[2001:db8::1]:9090/p'],
  ])('%s', (url, normalised) => {
    expect(isAllowed(url, LIST)).toEqual({ ok: true, url: normalised });
  });
});

describe('an address is refused', () => {
  it.each([
    ['another scheme', 'https://prometheus.monitoring:9090'],
    ['another port', 'http://prometheus.monitoring:9091'],
    ['no port', 'http://prometheus.monitoring'],
    ['another host', 'http://prometheus.other:9090'],
    ['a longer host', 'http://prometheus.monitoring.evil.com:9090'],
    ['two dots at the end', 'http://prometheus.monitoring..:9090'],
    ['a path beside the prefix', 'https://mimir.example.com/prometheus-admin'],
    ['a path above the prefix', 'https://mimir.example.com/'],
    ['dots', 'https://mimir.example.com/prometheus/../admin'],
    ['a dot', 'https://mimir.example.com/prometheus/./x'],
    ['encoded dots', 'https://mimir.example.com/prometheus/%2e%2e/admin'],
    ['half encoded dots', 'https://mimir.example.com/prometheus/.%2E/admin'],
    ['an encoded slash', 'https://mimir.example.com/prometheus%2f..%2fadmin'],
    ['dots with a parameter', 'https://mimir.example.com/prometheus/..;/admin'],
    ['two slashes', 'https://mimir.example.com/prometheus//x'],
    ['a user', 'http://me@prometheus.monitoring:9090'],
    ['a user that looks like the host', 'http://prometheus.monitoring:9090@evil.com'],
    ['an empty user', 'http://@prometheus.monitoring:9090'],
    ['a query', 'http://prometheus.monitoring:9090/?x=1'],
    ['an empty query', 'http://prometheus.monitoring:9090/?'],
    ['a fragment', 'http://prometheus.monitoring:9090/#x'],
    ['a backslash', 'http://prometheus.monitoring:9090\\@evil.com'],
    ['a backslash in the path', 'https://mimir.example.com/prometheus\\..\\admin'],
    ['a backslash for the slashes', 'http:\\\\prometheus.monitoring:9090'],
    ['one slash', 'http:/prometheus.monitoring:9090'],
    ['no slash', 'http:prometheus.monitoring:9090'],
    ['three slashes', 'http:///prometheus.monitoring:9090'],
    ['no scheme', '//prometheus.monitoring:9090'],
    ['a scheme that reads files', 'file:///etc/passwd'],
    ['a space before', ' http://prometheus.monitoring:9090'],
    ['a line end', 'http://prometheus.monitoring:9090\n'],
    ['a tab within', 'http://prometheus.moni\ttoring:9090'],
    ['an encoded host', 'http://prometheus%2emonitoring:9090'],
    ['an encoded zone', 'http://[2001:db8::1%25eth0]:9090/p'],
    ['too many ports', 'http://prometheus.monitoring:9090:80'],
    ['a port out of range', 'http://prometheus.monitoring:99090'],
    ['an address that is too long', `http://prometheus.monitoring:9090/${'x'.repeat(2048)}`],
    ['nothing', ''],
  ])('for %s', (_, url) => {
    const answer = isAllowed(url, LIST);
    expect(answer).toMatchObject({ ok: false });
  });

  it('with the addresses that are allowed', () => {
    expect(isAllowed('http://other:9090', ['http://prometheus:9090'])).toEqual({
      ok: false,
      why: 'http://other:9090 is not on this server’s allow list; allowed: http://prometheus:9090'.replace(
        '’',
        "'",
      ),
    });
    expect(isAllowed('http://other:9090', [])).toMatchObject({
      why: expect.stringContaining('no other Prometheus') as string,
    });
  });

  it('by an entry that is no plain address itself', () => {
    for (const entry of ['*', 'http://*', 'prometheus', 'http://u:p@prometheus', 'http://prometheus?x', ''])
      expect(isAllowed('http://prometheus', [entry])).toMatchObject({ ok: false });
  });
});

it('answers with an address whose host, as a browser reads it, is that of an entry', () => {
  const piece = fc.constantFrom(
    'http',
    'https',
    ':',
    '/',
    '//',
    '\\',
    '@',
    '#',
    '?',
    '.',
    '..',
    '%2e',
    '%2f',
    ';',
    'prometheus',
    'evil.com',
    ':9090',
    ':80',
    '[::1]',
    '127.1',
    ' ',
    '\t',
    '。',
    'Ｐ',
    'admin',
  );
  const url = fc.array(piece, { maxLength: 10 }).map((pieces) => `http://prometheus${pieces.join('')}`);
  fc.assert(
    fc.property(url, (text) => {
      const answer = isAllowed(text, ['http://prometheus/api', 'http://prometheus:9090']);
      if (!answer.ok) return;
      const { host, pathname, username, search, hash } = new URL(answer.url);
      expect(['prometheus', 'prometheus:9090']).toContain(host);
      if (host === 'prometheus') expect(pathname).toMatch(/^\/api(\/|$)/);
      expect([username, search, hash]).toEqual(['', '', '']);
    }),
    { numRuns: 2000 },
  );
});
