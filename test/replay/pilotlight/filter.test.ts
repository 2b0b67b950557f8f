import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyFilter, type Filter, type Reply } from '../../../src/replay/pilotlight/filter.js';
import { readManifest } from '../../../src/replay/pilotlight/manifest.js';
import { profiles, scaledObject, type Given } from './scaled-objects.js';

const INIT = {
  type: 'init',
  slotsPerReplica: 4,
  serviceSeconds: 8,
  sloWaitSeconds: 10,
  provisionSeconds: 180,
  loadSeconds: 60,
  nodeIdleSeconds: 600,
  maxReplicas: 20,
  scrapeSeconds: 15,
};
const SAMPLE = {
  t: 15,
  arrivals: 12,
  queue: 0,
  running: 3,
  ready: 1,
  spec: 1,
  util: 0.7,
  duty: 0.9,
  secs: 15,
};
const TICK = { type: 'tick', t: 30, current: 1, ready: 1, starting: 0, pending: 0, samples: [SAMPLE] };

function filterOf(given: Given = {}): Filter {
  return policyFilter(readManifest(scaledObject(given), 'chat.yaml'), profiles);
}

/** The answer to the last of these messages. */
function last(filter: Filter, ...messages: unknown[]): Reply | null {
  let reply: Reply | null = null;
  for (const [index, message] of messages.entries()) reply = filter(JSON.stringify(message), index + 1);
  return reply;
}

function replicas(given: Given, init: Record<string, unknown>, tick: Record<string, unknown>): number | null {
  const reply = last(filterOf(given), { ...INIT, ...init }, { ...TICK, ...tick });
  return reply !== null && 'replicas' in reply ? reply.replicas : null;
}

describe('the policy filter', () => {
  it('answers a tick with the core’s decision and its stages, and an init with nothing', () => {
    const filter = filterOf();
    expect(last(filter, INIT)).toBeNull();
    expect(last(filter, TICK)).toEqual({
      replicas: 1,
      active: true,
      reasons: ['demand: vllm-concurrency 3 requests in all, target 2.8 each → 1.07, close enough to 1'],
    });
  });

  it('takes the capacity from init where the manifest has none', () => {
    const without = { metadata: { slots: '', serviceTime: '' } };
    const busy = { samples: [{ ...SAMPLE, running: 10 }] };
    expect(replicas(without, {}, busy)).toBe(4); // 10 ÷ (0.7 × 4)
    expect(replicas(without, { slotsPerReplica: 10 }, busy)).toBe(2);
    expect(replicas({ metadata: { slots: '8' } }, {}, busy)).toBe(2);
    const nobody = last(filterOf(without), { type: 'init' });
    expect(nobody).toMatchObject({ line: 1, error: expect.stringContaining('slots to work it out from') });
  });

  it('reads the field that the profile names', () => {
    const sample = { ...SAMPLE, queue: 12, running: 4, util: 0.95, duty: 1 };
    const by = (profile: string, target: string) =>
      replicas({ metadata: { profile, target } }, {}, { samples: [sample] });
    expect(by('vllm-waiting', '5')).toBe(3);
    expect(by('vllm-running', '2')).toBe(2);
    expect(by('cpu-util', '50')).toBe(2);
    expect(by('dcgm-gpu-util', '40')).toBe(3);
    expect(by('gateway-rps', '0.4')).toBe(2);
  });

  it('wakes from zero by the arrivals', () => {
    const asleep = { current: 0, ready: 0 };
    const sample = { ...SAMPLE, ready: 0, spec: 0, running: 0, util: null, duty: null };
    expect(replicas({}, {}, { ...asleep, samples: [{ ...sample, arrivals: 12 }] })).toBe(3); // 0.8 ÷ 0.35
    expect(replicas({}, {}, { ...asleep, samples: [{ ...sample, arrivals: 0 }] })).toBe(0);
    expect(replicas({ metadata: { wake: 'none' } }, {}, { ...asleep, samples: [sample] })).toBe(0);
  });

  it('keeps the replicas while there is nothing to go by', () => {
    expect(last(filterOf(), INIT, { ...TICK, current: 3, ready: 3, samples: [] })).toMatchObject({
      replicas: 3,
      active: true,
    });
    expect(replicas({ metadata: { dryRun: 'true' } }, {}, { samples: [{ ...SAMPLE, queue: 40 }] })).toBe(1);
  });

  it('stays within all bounds', () => {
    const flood = { samples: [{ ...SAMPLE, queue: 500 }] };
    expect(replicas({}, {}, flood)).toBe(20);
    expect(replicas({}, { maxReplicas: 6 }, flood)).toBe(6);
    expect(replicas({ spec: { maxReplicaCount: 9 } }, {}, flood)).toBe(9);
    const idle = { samples: [{ ...SAMPLE, arrivals: 0, running: 0 }] };
    expect(replicas({ spec: { minReplicaCount: 2 } }, {}, idle)).toBe(2);
  });

  const idleAt = (t: number, current: number) => ({
    ...TICK,
    t,
    current,
    ready: current,
    samples: [{ ...SAMPLE, t: t - 15, ready: current, arrivals: 0, running: 0 }],
  });

  it('keeps replicas for the HPA’s window, since no HPA comes after', () => {
    const scaled = (given: Given) => {
      const filter = filterOf(given);
      const busy = { ...TICK, current: 5, ready: 5, samples: [{ ...SAMPLE, ready: 5, running: 14 }] };
      last(filter, INIT, busy);
      const replicasAt = (t: number) => {
        const reply = last(filter, idleAt(t, 5));
        return reply !== null && 'replicas' in reply ? reply.replicas : null;
      };
      return [replicasAt(60), replicasAt(329), replicasAt(330)];
    };
    const behavior = (seconds: number) => ({
      spec: {
        advanced: {
          horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: seconds } } },
        },
      },
    });
    expect(scaled({})).toEqual([5, 5, 0]);
    expect(scaled(behavior(0))).toEqual([1, 1, 0]); // the cooldown's one
    expect(scaled({ metadata: { scaleDownWindow: '0s' } })).toEqual([1, 1, 0]);
    expect(scaled(behavior(600))).toEqual([5, 5, 5]);
  });

  it('goes to zero after the cooldown, or to idleReplicaCount', () => {
    const given = { metadata: { scaleDownWindow: '0s' }, spec: { cooldownPeriod: 120 } };
    const filter = filterOf(given);
    last(filter, INIT, TICK);
    expect(last(filter, idleAt(60, 1))).toEqual({
      replicas: 1,
      active: true,
      reasons: [
        'demand: vllm-concurrency 0 requests in all, target 2.8 each → 0',
        'cooldown: 1 for another 90 s',
      ],
    });
    expect(last(filter, idleAt(150, 1))).toMatchObject({ replicas: 0, active: false });
    const spec = { cooldownPeriod: 120, minReplicaCount: 3, idleReplicaCount: 1 };
    const withIdle = filterOf({ ...given, spec });
    last(withIdle, INIT);
    expect(last(withIdle, TICK)).toMatchObject({ replicas: 3, active: true });
    expect(last(withIdle, idleAt(60, 3))).toMatchObject({ replicas: 3, active: true });
    expect(last(withIdle, idleAt(150, 3))).toMatchObject({ replicas: 1, active: false });
  });

  it('begins a new run with another init', () => {
    const filter = filterOf();
    const first = last(filter, INIT, TICK);
    last(filter, { ...TICK, t: 45, samples: [{ ...SAMPLE, t: 30, queue: 90 }] });
    expect(last(filter, INIT, TICK)).toEqual(first);
  });

  it('answers a line that is wrong with what is wrong, and goes on as if it had not come', () => {
    const filter = filterOf();
    const faults: [string, RegExp][] = [
      ['{', /^not JSON/],
      ['null', /an object with "type"/],
      ['{"type":"tock"}', /"type": "init" or "tick"/],
      ['{"type":"tick","t":0,"current":-1,"ready":0}', /^current: expected a whole number/],
      ['{"type":"tick","t":0,"current":1.5,"ready":0}', /^current: /],
      ['{"type":"tick","t":0,"current":1}', /^ready: /],
      ['{"type":"tick","t":"0","current":1,"ready":1}', /^t: expected a moment in seconds/],
      ['{"type":"tick","t":0,"current":1,"ready":1,"samples":{}}', /^samples: expected a list/],
      [
        '{"type":"tick","t":0,"current":1,"ready":1,"samples":[3]}',
        /^samples\[0\]: expected a sample such as/,
      ],
      ['{"type":"tick","t":0,"current":1,"ready":1e9}', /^ready: /],
      ['{"type":"init","maxReplicas":0}', /^maxReplicas: /],
      ['x'.repeat(2_000_000), /longer than/],
    ];
    expect(filter(JSON.stringify(TICK), 1)).toMatchObject({
      line: 1,
      error: expect.stringMatching(/before init/),
    });
    last(filter, INIT);
    const clean = last(filterOf(), INIT, TICK);
    for (const [index, [line, expected]] of faults.entries()) {
      expect(filter(line, index)).toEqual({ line: index, error: expect.stringMatching(expected) });
    }
    expect(last(filter, TICK)).toEqual(clean);
    expect(last(filter, { ...TICK, t: 20 })).toMatchObject({
      error: expect.stringMatching(/went back from 30 to 20/),
    });
  });

  it('passes over empty lines', () => {
    const filter = filterOf();
    for (const line of ['', '  ', '\t']) expect(filter(line, 1)).toBeNull();
  });

  it('answers whatever it reads, and never throws', () => {
    const filter = filterOf();
    last(filter, INIT);
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          type: fc.constant('tick'),
          t: fc.nat(),
          current: fc.nat(),
          ready: fc.nat(),
          samples: fc.array(fc.anything()),
        })
        .map((value) => JSON.stringify(value) ?? ''),
    );
    fc.assert(
      fc.property(anything, (line) => {
        const reply = filter(line, 7);
        if (line.trim() === '') expect(reply).toBeNull();
        else if (reply !== null && 'error' in reply) expect(reply.line).toBe(7);
        else if (reply !== null) expect(Number.isInteger(reply.replicas) && reply.replicas >= 0).toBe(true);
      }),
    );
  });
});
