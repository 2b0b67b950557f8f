import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/core/time.js';
import { BASELINES } from '../../src/replay/baselines/all.js';
import { nodeSecondsBound } from '../../src/replay/bound.js';
import { loadOf } from '../../src/replay/load.js';
import { readManifest } from '../../src/replay/pilotlight/manifest.js';
import { simulate } from '../../src/replay/run.js';
import { chosenOf, parseSuite, SuiteError, type SuiteEntry } from '../../src/replay/suite-file.js';
import { runOn, suiteRuns, type SuiteRun } from '../../src/replay/suite-run.js';
import { suiteJson, suiteText } from '../../src/replay/suite-text.js';
import { effOf, groupsOf, loadResult, type LoadResult, type SuiteReport } from '../../src/replay/suite.js';
import { profiles, scaledObject, SETUP, type Given } from './pilotlight/scaled-objects.js';

const ENTRY: SuiteEntry = {
  trace: 'day',
  startup: 'standard',
  class: 'dense',
  setup: { ...SETUP, slots: 2, slo: 20, maxReplicas: 6, nodeProvision: 60, modelLoad: 30 },
  bound: 1000,
};
const manifestOf = (given: Given) => readManifest(scaledObject(given), 'chat.yaml');
const FORECAST = { slo: '10s@99.5%', forecast: 'auto', leadTime: '7m', maxReplicas: '3' };

function ownOf(given: Given, kind: 'reactive' | 'forecast') {
  const run = suiteRuns(manifestOf(given), ENTRY, profiles, false).find((each) => each.kind === kind);
  if (run?.kind !== kind) throw new Error(`no run ${kind}`);
  return run;
}

describe('a set of loads in a file', () => {
  const model = SETUP;
  const given = { trace: 'day', startup: 'standard', model };
  const parse = (entries: unknown) => parseSuite(JSON.stringify(entries));

  it('is an array of loads, of whose fields those that a replay needs are read', () => {
    const entry = {
      ...given,
      class: 'dense',
      bound: { '0.95': 900, '0.99': 1000 },
      licence: 'CC0',
      seconds: 5,
    };
    expect(parse([entry, { ...given, startup: 'slow' }])).toEqual([
      { trace: 'day', startup: 'standard', class: 'dense', setup: model, bound: 1000 },
      { trace: 'day', startup: 'slow', class: null, setup: model, bound: null },
    ]);
  });

  it('is refused with place and expectation', () => {
    const fault = (read: () => unknown) => {
      expect(read).toThrow(SuiteError);
      try {
        read();
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(fault(() => parseSuite('[{'))).toMatch(/^no JSON: /);
    expect(fault(() => parse({}))).toBe('the file: expected an array of loads');
    expect(fault(() => parse([]))).toBe('the file: expected at least one load');
    const wrong = { trace: '', startup: 5, model: { ...model, slots: 1.5, slo: 0 }, bound: { '0.99': 0 } };
    expect(fault(() => parse([given, wrong])).split('\n')).toEqual([
      '[1].trace: expected the name of a load',
      '[1].startup: expected the name of a start-up',
      '[1].model.slots: expected a whole number ≥ 1',
      '[1].model.slo: expected a whole number ≥ 1',
      '[1].bound.0.99: expected node-seconds > 0',
    ]);
    expect(fault(() => parse([{ ...given, model: undefined }]))).toBe(
      '[0].model: expected the replica and its nodes',
    );
    expect(fault(() => parse([given, given]))).toBe(
      '[1]: day with start-up standard is [0] already; expected it once',
    );
  });

  it('is narrowed by start-up and name, and an empty rest is a mistake', () => {
    const all = ['fast', 'slow'].flatMap((startup) => [
      { ...ENTRY, trace: 'day', startup },
      { ...ENTRY, trace: 'night', startup },
    ]);
    const names = (startup: string, only: RegExp | null) =>
      chosenOf(all, startup, only).map((each) => `${each.trace} ${each.startup}`);
    expect(names('slow', null)).toEqual(['day slow', 'night slow']);
    expect(names('all', /^n/)).toEqual(['night fast', 'night slow']);
    expect(() => names('standard', null)).toThrow(
      'no load with start-up "standard"; expected fast, slow or all',
    );
    expect(() => names('fast', /week/)).toThrow('no load matches /week/; expected some of day, night');
  });
});

describe('the runs on one load', () => {
  it('give the manifest the deployment of the load, and keep what else it says', () => {
    const { trigger, loops } = ownOf(
      { metadata: { ...FORECAST, target: '1.5', tolerance: '0.2' } },
      'forecast',
    );
    expect(trigger.policy).toMatchObject({
      slots: 2,
      serviceTime: 8 * SECOND,
      leadTime: 90 * SECOND,
      slo: { wait: 20 * SECOND, share: 0.995 },
      maxReplicas: 6,
      forecast: 'auto',
      tolerance: 0.2,
    });
    expect(trigger.policy.signals[0]?.target).toBe(1.5);
    expect(loops.keda.maxReplicaCount).toBe(6);
  });

  it('are the manifest with its forecast and without, the baselines, and the bound where the file has none', () => {
    const kinds = (given: Given, entry: SuiteEntry, baselines: boolean) =>
      suiteRuns(manifestOf(given), entry, profiles, baselines).map((run) =>
        run.kind === 'baseline' ? run.name : run.kind,
      );
    expect(kinds({ metadata: FORECAST }, ENTRY, true)).toEqual([
      'reactive',
      'forecast',
      ...Object.keys(BASELINES),
    ]);
    expect(kinds({}, { ...ENTRY, bound: null }, false)).toEqual(['reactive', 'bound']);
    expect(ownOf({ metadata: FORECAST }, 'reactive').trigger.policy.forecast).toBe('off');
  });

  it('hold for five minutes without the forecast where the HPA leaves that to it', () => {
    const spec = (seconds: number) => ({
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: { scaleDown: { stabilizationWindowSeconds: seconds } },
        },
      },
    });
    const held = (given: Given, kind: 'reactive' | 'forecast') =>
      ownOf(given, kind).trigger.policy.scaleDownWindow / SECOND;
    expect(held({ spec: spec(0), metadata: FORECAST }, 'reactive')).toBe(300);
    expect(held({ spec: spec(0), metadata: FORECAST }, 'forecast')).toBe(0);
    expect(held({ spec: spec(60), metadata: FORECAST }, 'reactive')).toBe(0);
    expect(held({ spec: spec(0), metadata: { ...FORECAST, scaleDownWindow: '1m' } }, 'reactive')).toBe(60);
  });

  it('cost and serve what the same run does by itself', () => {
    const load = loadOf(Array.from({ length: 1800 }, (_, t) => (t % 4 === 0 ? 1 : 0)));
    const baseline: SuiteRun = { kind: 'baseline', name: 'hpa-util60' };
    const alone = simulate(load, ENTRY.setup, BASELINES['hpa-util60']!(load, ENTRY.setup));
    expect(runOn(load, ENTRY, baseline)).toEqual(alone);
    expect(runOn(load, ENTRY, { kind: 'bound' }).nodeSeconds).toBe(nodeSecondsBound(load, ENTRY.setup, 0.99));
    expect(runOn(load, ENTRY, ownOf({}, 'reactive')).attainment).toBeGreaterThan(0.5);
    expect(() => runOn(load, ENTRY, { kind: 'baseline', name: 'hpa-util61' })).toThrow(RangeError);
  });
});

const baseline = (name: string, nodeSeconds: number, attainment: number | null) => ({
  run: { kind: 'baseline', name } as const,
  outcome: { nodeSeconds, attainment },
});

function loadLike(
  trace: string,
  kind: string | null,
  reactive: number,
  attainment: number | null,
): LoadResult {
  const own = ownOf({}, 'reactive');
  return loadResult({ ...ENTRY, trace, class: kind }, [
    baseline('slow', 1500, 0.9),
    baseline('dear', 2000, 0.995),
    { run: own, outcome: { nodeSeconds: reactive, attainment } },
    { run: { ...own, kind: 'forecast' }, outcome: { nodeSeconds: reactive / 2, attainment: 0.99 } },
  ]);
}

describe('the report', () => {
  it('adds ten times what is missing of 99 % to the cost', () => {
    expect(effOf(1.5, 0.99)).toBe(1.5);
    expect(effOf(1.5, 1)).toBe(1.5);
    expect(effOf(1.5, 0.94)).toBeCloseTo(2);
    expect(effOf(1.5, 0)).toBeCloseTo(11.4);
  });

  it('takes the baseline with the least of that for the best, not the cheapest', () => {
    const { best, reactive, forecast } = loadLike('a', null, 4000, 0.99);
    expect(best).toEqual({ name: 'dear', nodeSeconds: 2000, attainment: 0.995, cost: 2, eff: 2 });
    expect([reactive.eff, forecast?.eff]).toEqual([4, 2]);
  });

  it('works the ratio out with the bound that was searched where the file has none', () => {
    const own = ownOf({}, 'reactive');
    const ran = [
      { run: own, outcome: { nodeSeconds: 600, attainment: 1 } },
      { run: { kind: 'bound' } as const, outcome: { nodeSeconds: 200, attainment: null } },
    ];
    expect(loadResult({ ...ENTRY, bound: null }, ran)).toMatchObject({
      bound: 200,
      reactive: { cost: 3, eff: 3 },
      forecast: null,
      best: null,
    });
  });

  const loads = [
    loadLike('a', 'dense', 4000, 0.99),
    loadLike('b', 'sparse', 1000, 0.98),
    loadLike('c', 'sparse', 9000, 1),
  ];

  it('has geometric means over all loads and over each class, and counts the loads at 99 %', () => {
    const [all, dense, sparse] = groupsOf(loads);
    const reactive = (group = all) => group?.policies.find(({ name }) => name === 'reactive');
    expect(reactive()).toMatchObject({ met: 2, cost: expect.closeTo(36 ** (1 / 3), 9) });
    expect(reactive()?.eff).toBeCloseTo((4 * 1.1 * 9) ** (1 / 3), 9);
    expect([dense?.class, dense?.loads, reactive(dense)?.eff]).toEqual(['dense', 1, expect.closeTo(4, 9)]);
    expect([sparse?.class, sparse?.loads, reactive(sparse)?.met]).toEqual(['sparse', 2, 1]);
    expect(all?.policies.map(({ name }) => name)).toEqual([
      'reactive',
      'forecast',
      'best baseline',
      'slow',
      'dear',
    ]);
  });

  it('has no mean where a load has no figure', () => {
    const [all] = groupsOf([...loads, loadLike('d', null, 500, null)]);
    expect(all?.policies[0]).toEqual({ name: 'reactive', eff: null, cost: expect.any(Number), met: 2 });
  });

  const report: SuiteReport = {
    manifest: { file: 'chat.yaml', object: 'llm/chat', profiles: ['vllm-concurrency'] },
    source: 'set.json',
    loads,
    groups: groupsOf(loads),
  };

  it('prints a line for each load and one for each policy', () => {
    const lines = suiteText(report)
      .split('\n')
      .map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
    expect(lines[0]).toBe('llm/chat (chat.yaml), by vllm-concurrency');
    expect(lines).toContain('LOAD  CLASS  BOUND  REACTIVE  FORECAST  BEST BASELINE');
    expect(lines).toContain('b  sparse  0.3 h  1.00 @ 98.00 %  0.50 @ 99.00 %  2.00 @ 99.50 %  dear');
    expect(lines).toContain(
      'POLICY  EFF  COST  AT 99 %, OF 3  EFF dense  COST dense  AT 99 %, OF 1  EFF sparse  COST sparse  AT 99 %, OF 2',
    );
    expect(lines).toContain('reactive  3.41  3.30  2  4.00  4.00  1  3.15  3.00  1');
  });

  it('leaves out what there is nothing of, and says the start-up where there are several', () => {
    const own = ownOf({}, 'reactive');
    const bare = ['fast', 'slow'].map((startup) =>
      loadResult({ ...ENTRY, class: null, startup }, [
        { run: own, outcome: { nodeSeconds: 500, attainment: null } },
      ]),
    );
    const text = suiteText({ ...report, loads: bare, groups: groupsOf(bare) });
    expect(text).toMatch(/^LOAD +START-UP +BOUND +REACTIVE$/m);
    expect(text).toMatch(/^day +slow +0\.3 h +0\.50 @ -$/m);
    expect(text).toMatch(/^reactive +- +0\.50 +0$/m);
  });

  it('gives programs all of it', () => {
    expect(suiteJson(report)).toMatchObject({
      source: 'set.json',
      share: 0.99,
      loads: [
        {
          trace: 'a',
          class: 'dense',
          bound: { nodeSeconds: 1000 },
          bestBaseline: 'dear',
          reactive: { cost: 4 },
        },
        { trace: 'b' },
        { trace: 'c' },
      ],
      means: [{ class: null, loads: 3 }, { class: 'dense' }, { class: 'sparse' }],
    });
  });
});
