import { describe, expect, test } from 'vitest';
import { openTenantsPrometheis } from '../../src/server/tenants-prometheis.js';
import { resolveSettings } from '../../src/server/settings.js';
import { createPrometheusSource } from '../../src/signals/prometheus/source.js';

const OWN = 'http://prometheus:9090';
const LISTED = 'https://mimir/prometheus';
const MINUTE = 60_000;

function opened(allowPrometheus: string[]) {
  const settings = resolveSettings({
    flags: { prometheus: OWN, allowPrometheus },
    environment: {},
    file: null,
  });
  const time = { now: 0 };
  const clock = { now: () => time.now };
  const own = createPrometheusSource({ url: OWN, clock });
  const tenants = openTenantsPrometheis(settings, own, clock);
  return { at: (address: string) => tenants.at(address), own, time };
}

describe('the Prometheus that a trigger names', () => {
  test('is the server’s own in any spelling', () => {
    const { at, own } = opened([]);
    for (const address of [OWN, `${OWN}/`, 'HTTP://Prometheus:9090', 'http://prometheus.:9090'])
      expect(at(address)).toEqual({ url: '', source: own });
  });

  test('is one source for all spellings of a listed one, and another for a path below it', () => {
    const { at } = opened([LISTED]);
    const first = at(LISTED);
    expect(first?.url).toBe(LISTED);
    expect(at('HTTPS://MIMIR:443/prometheus/')?.source).toBe(first?.source);
    expect(at(`${LISTED}/team-a`)?.source).not.toBe(first?.source);
  });

  test('is none where the operator has not listed it', () => {
    const { at } = opened([LISTED]);
    for (const address of ['http://elsewhere', 'https://mimir', 'https://mimir/prometheus-2', 'nonsense'])
      expect(at(address)).toBeNull();
  });
});

describe('paths that tenants make up', () => {
  test('are bounded, never at the cost of what the operator has listed', () => {
    const other = 'https://thanos';
    const { at } = opened([LISTED, other]);
    const sources = Array.from({ length: 1000 }, (_, index) => at(`${LISTED}/${index}`));
    expect(sources.filter((source) => source !== null)).toHaveLength(100);
    expect(at(LISTED)).not.toBeNull();
    expect(at(other)).not.toBeNull();
    expect(at(`${LISTED}/0`)?.source).toBe(sources[0]?.source);
  });

  test('make room when nobody has asked for them in a while', () => {
    const { at, time } = opened([LISTED]);
    const first = at(`${LISTED}/0`);
    for (let index = 1; index < 100; index += 1) at(`${LISTED}/${index}`);
    expect(at(`${LISTED}/new`)).toBeNull();
    time.now = 10 * MINUTE;
    const kept = at(`${LISTED}/1`);
    time.now = 20 * MINUTE;
    expect(at(`${LISTED}/new`)).not.toBeNull();
    expect(at(`${LISTED}/1`)?.source).toBe(kept?.source);
    expect(at(`${LISTED}/0`)?.source).not.toBe(first?.source); // the old one has been closed
  });
});
