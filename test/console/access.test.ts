import { describe, expect, test } from 'vitest';
import { isFromAnotherPage, mayUse } from '../../src/console/access.js';

const TOKEN = 'correct horse battery staple';

describe('who may use the admin API', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('this machine: %s', (remote) => {
    expect(mayUse(remote, undefined, null)).toBe(true);
    expect(mayUse(remote, 'Bearer wrong', TOKEN)).toBe(true);
  });

  test.each(['10.0.0.7', '::ffff:10.0.0.7', '128.0.0.1', '2001:db8::1', '::', '0.0.0.0', '', undefined])(
    'nobody else without the token: %s',
    (remote) => {
      expect(mayUse(remote, undefined, null)).toBe(false);
      expect(mayUse(remote, undefined, TOKEN)).toBe(false);
      expect(mayUse(remote, `Bearer ${TOKEN}`, null)).toBe(false);
      expect(mayUse(remote, `Bearer ${TOKEN}`, TOKEN)).toBe(true);
    },
  );

  test.each([
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Basic ${TOKEN}`,
    TOKEN,
    'Bearer ',
    'Bearer',
    '',
  ])('a header that is nearly right: %s', (authorization) => {
    expect(mayUse('10.0.0.7', authorization, TOKEN)).toBe(false);
  });

  test('an empty token file lets nobody in', () => {
    for (const authorization of ['Bearer ', 'Bearer  ', 'Bearer x', undefined])
      expect(mayUse('10.0.0.7', authorization, '')).toBe(false);
  });

  test('the scheme in any case, as HTTP has it', () => {
    expect(mayUse('10.0.0.7', `bearer ${TOKEN}`, TOKEN)).toBe(true);
  });
});

describe('a browser', () => {
  test.each([
    ['http://127.0.0.1:8080', '127.0.0.1:8080', false],
    [undefined, '127.0.0.1:8080', false],
    ['https://evil.example', '127.0.0.1:8080', true],
    ['http://127.0.0.1:8081', '127.0.0.1:8080', true],
    ['null', '127.0.0.1:8080', true],
    ['', '127.0.0.1:8080', true],
    ['https://evil.example', undefined, true],
  ])('from %s to %s is of another page: %s', (origin, host, foreign) => {
    expect(isFromAnotherPage(origin, host)).toBe(foreign);
  });
});
