import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse, stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseLoad } from '../../../src/replay/load-csv.js';
import { loadOf, requestsBetween, type Load } from '../../../src/replay/load.js';
import { policyFilter } from '../../../src/replay/pilotlight/filter.js';
import { loopsOf } from '../../../src/replay/pilotlight/loops.js';
import { manifestPolicy } from '../../../src/replay/pilotlight/manifest-policy.js';
import { readManifest, replayTrigger } from '../../../src/replay/pilotlight/manifest.js';
import { simulate } from '../../../src/replay/run.js';
import type { Score } from '../../../src/replay/score.js';
import type { Setup } from '../../../src/replay/setup.js';
import { profiles, scaledObject, SETUP } from '../pilotlight/scaled-objects.js';

const DAY = 86_400;
const HOUR = 3600;

interface Run {
  readonly score: Score;
  /** spec.replicas at a second. */
  readonly specAt: (t: number) => number;
}

function replay(yaml: string, load: Load, setup: Setup): Run {
  const manifest = readManifest(quoted(yaml), 'chat.yaml');
  const trigger = replayTrigger(manifest, setup, setup.maxReplicas, profiles);
  const loops = loopsOf(manifest.spec, trigger.metricSpecs, setup.maxReplicas);
  const policy = manifestPolicy('chat', trigger, loops, undefined, { startup: setup });
  const changes: [t: number, to: number][] = [];
  const score = simulate(load, setup, policy, (t, _, to) => changes.push([t, to]));
  return { score, specAt: (t) => changes.findLast(([at]) => at <= t)?.[1] ?? 0 };
}

/** The metadata of a forecast, or of none. */
function forecasting(forecast: string): Record<string, string> {
  return { slo: '10s@99%', forecast };
}

/** For YAML 1.1, which Kubernetes reads, a plain `on` is a boolean. */
function quoted(yaml: string): string {
  return yaml.replace(/forecast: (\w+)/, "forecast: '$1'");
}

describe('a day of office hours behind KEDA and an HPA', () => {
  /** One replica's 0.5 requests a second, three times, from 9 to 17 o'clock and at once. */
  const officeDays = (days: number) =>
    loadOf(
      Array.from({ length: days * DAY }, (_, t) => {
        const hour = (t % DAY) / HOUR;
        return hour >= 9 && hour < 17 && t % 4 < 3 ? 2 : 0;
      }),
    );
  const setup = { ...SETUP, scoreFrom: 2 * DAY };
  const withForecast = replay(scaledObject({ metadata: forecasting('on') }), officeDays(3), setup);
  const without = replay(scaledObject({ metadata: forecasting('off') }), officeDays(3), setup);

  it('is ready on the third day before the first request, and empty at night', () => {
    const opening = 2 * DAY + 9 * HOUR;
    expect(withForecast.specAt(opening - 240)).toBeGreaterThanOrEqual(3);
    expect(withForecast.specAt(2 * DAY + 3 * HOUR)).toBe(0);
    expect(without.specAt(opening - 240)).toBe(0);
  });

  it('serves more in time than one that waits for the load', () => {
    expect(withForecast.score.attainment).toBeGreaterThan(0.99);
    expect(without.score.attainment).toBeLessThan(withForecast.score.attainment ?? 0);
  });
});

describe('an hour of real chat traffic', () => {
  const csv = gunzipSync(readFileSync('examples/traces/llm-azure23-conv.csv.gz')).toString('utf8');
  const load = parseLoad(csv);
  const setup = { ...SETUP, maxReplicas: 24, scoreFrom: 900 };

  function example(forecast: string): string {
    const document = parse(readFileSync('examples/llm-azure23-conv.yaml', 'utf8')) as {
      spec: { triggers: { metadata: Record<string, string> }[]; advanced?: object };
    };
    const [trigger] = document.spec.triggers;
    if (trigger !== undefined) trigger.metadata = { ...trigger.metadata, ...forecasting(forecast) };
    // The forecast holds what is worth it, and is not to be held up by the HPA's five minutes on top.
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
    if (forecast !== 'off') document.spec.advanced = { horizontalPodAutoscalerConfig: { behavior } };
    return stringify(document);
  }

  const hours = (count: number) =>
    loadOf(
      Array.from({ length: count * load.seconds }, (_, t) => {
        const second = t % load.seconds;
        return requestsBetween(load, second, second + 1);
      }),
    );

  it('costs no more with a forecast that had no time to learn, for the same share in time', () => {
    const [off, on, auto] = ['off', 'on', 'auto'].map(
      (forecast) => replay(example(forecast), load, setup).score,
    );
    for (const score of [on, auto]) {
      expect(score?.nodeSeconds).toBeLessThanOrEqual(off?.nodeSeconds ?? 0);
      expect(score?.attainment).toBeGreaterThanOrEqual(Math.min(0.999, off?.attainment ?? 1));
    }
  });

  it('costs a fifth less and more, hour after hour, whether the forecast is on or on trial', () => {
    const [off, on, auto] = ['off', 'on', 'auto'].map(
      (forecast) => replay(example(forecast), hours(24), { ...setup, scoreFrom: 10 * HOUR }).score,
    );
    for (const score of [on, auto]) {
      expect(score?.nodeSeconds).toBeLessThan(0.8 * (off?.nodeSeconds ?? 0));
      expect(score?.attainment).toBeGreaterThan(0.999);
    }
  });
});

describe('the policy filter', () => {
  const init = JSON.stringify({
    type: 'init',
    slotsPerReplica: 4,
    serviceSeconds: 8,
    sloWaitSeconds: 10,
    provisionSeconds: 180,
    loadSeconds: 60,
    nodeIdleSeconds: 600,
    maxReplicas: 20,
    scrapeSeconds: 15,
  });

  /** A burst of 4 requests a second for a minute in each half hour, and one ready replica whenever any was asked for. */
  function ticks(ticksOf: number, forecast: string): { replicas: number; reasons: readonly string[] }[] {
    const manifest = readManifest(quoted(scaledObject({ metadata: forecasting(forecast) })), 'chat.yaml');
    const filter = policyFilter(manifest, profiles);
    expect(filter(init, 1)).toBeNull();
    let current = 0;
    return Array.from({ length: ticksOf }, (_, tick) => {
      const t = (tick + 1) * 15;
      const arrivals = t % 1800 < 60 ? 60 : 0;
      const sample = {
        t,
        secs: 15,
        arrivals,
        queue: 0,
        running: arrivals > 0 ? 4 : 0,
        ready: current,
        util: null,
        duty: null,
      };
      const line = JSON.stringify({ type: 'tick', t, current, ready: current, samples: [sample] });
      const reply = filter(line, tick + 2);
      if (reply === null || 'error' in reply) throw new Error(JSON.stringify(reply));
      current = reply.replicas;
      return reply;
    });
  }

  it('lets the forecast alone hold replicas as soon as it speaks', () => {
    const replies = ticks(2 * 5760, 'on');
    expect(
      replies.slice(0, 50).some(({ reasons }) => reasons.some((why) => why.startsWith('forecast:'))),
    ).toBe(false);
    const late = replies.slice(-5760);
    expect(late.some(({ reasons }) => reasons.some((why) => why.startsWith('forecast:')))).toBe(true);
    expect(late.some(({ replicas }) => replicas === 0)).toBe(true);
    expect(late.some(({ reasons }) => reasons.some((why) => why.startsWith('cooldown:')))).toBe(false);
  });

  it('answers the same to the same', () => {
    expect(ticks(700, 'auto')).toEqual(ticks(700, 'auto'));
  });
});
