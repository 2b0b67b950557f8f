import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Score } from '../../../src/replay/score.js';
import type { Candidate } from '../../../src/replay/tune/candidate.js';
import { frontierOf, meets, readable, type Tried } from '../../../src/replay/tune/frontier.js';
import { searchRuns, type Searched } from '../../../src/replay/tune/search.js';
import { spaceOf } from '../../../src/replay/tune/space.js';
import { verdictOn, worthChecking, worthCheckingToo } from '../../../src/replay/tune/tuning.js';
import { baseOf, scaledObjectText } from './manifests.js';

const score = (nodeSeconds: number, inTime: number): Score => ({
  nodeSeconds,
  podSeconds: nodeSeconds,
  requests: 1000,
  inTime,
  attainment: inTime / 1000,
  p50: 0,
  p95: 0,
  p99: 0,
  coldRequests: 0,
  wakeups: 0,
});
const base = baseOf(scaledObjectText());
const valueOf = ({ changes }: Candidate, key: string, now: number) =>
  Number(changes.find(({ knob }) => knob.key === key)?.value ?? now);

/** A landscape with its cheapest setting in time at target 7, cooldown 400. */
function landscape(candidate: Candidate): Score {
  const target = valueOf(candidate, 'target', 2.8);
  const cooldown = valueOf(candidate, 'cooldownPeriod', 300);
  const inTime = target > 7 ? 900 : 995;
  return score(1000 - 50 * target + Math.abs(cooldown - 400), inTime);
}

function searched(set: string[], budget: number, seed = 1): { result: Searched; batches: number[] } {
  const search = searchRuns(base, spaceOf(set), { budget, seed, share: 0.99 });
  const batches: number[] = [];
  let step = search.next([]);
  while (step.done !== true) {
    batches.push(step.value.length);
    step = search.next(step.value.map(landscape));
  }
  return { result: step.value, batches };
}
const TARGETS = `target=${Array.from({ length: 12 }, (_, index) => index + 1).join(',')}`;
const COOLDOWNS = `cooldownPeriod=${Array.from({ length: 12 }, (_, index) => 100 * index).join(',')}`;
const bestIn = (result: Searched) => verdictOn(result, new Map(), 0.99).verdict;

describe('searchRuns', () => {
  it('runs every combination once, where the budget allows it', () => {
    const { result, batches } = searched([TARGETS, COOLDOWNS], 200);
    expect([result.method, result.combinations, batches]).toEqual(['grid', 144, [1, 144]]);
    expect(result.runs).toBe(145);
  });

  it('does not run again what runs alike, and leaves out what does not go together', () => {
    const { result } = searched(['minReplicaCount=0,1,9', 'cooldownPeriod=300,600,900'], 200);
    // With one replica kept the three cooldowns are one run, and 0 with 300 s is the manifest as it is.
    expect([result.combinations, result.runs, result.alike, result.leftOut]).toEqual([9, 4, 2, 3]);
    expect(result.leftOutWhy).toBe('minReplicaCount 9 is above maxReplicaCount 8');
  });

  it('prints of those that run alike the one that changes least', () => {
    const { result } = searched(['minReplicaCount=1', 'cooldownPeriod=600,now,900'], 200);
    expect(result.tried.map(({ candidate }) => candidate.changes.length)).toEqual([0, 1]);
  });

  it('climbs to the same best setting with a third of the runs', () => {
    const grid = bestIn(searched([TARGETS, COOLDOWNS], 200).result);
    const { result } = searched([TARGETS, COOLDOWNS], 50);
    expect(result.method).toBe('steps');
    expect(result.runs).toBeLessThanOrEqual(50);
    const best = bestIn(result);
    expect(grid.take?.candidate.changes.map(({ value }) => value)).toEqual(['7', '400']);
    expect(best.take?.candidate.fingerprint).toBe(grid.take?.candidate.fingerprint);
  });

  it('never spends more than its budget, and does the same twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(), (budget, seed) => {
        const once = searched([TARGETS, COOLDOWNS, 'tolerance=0.05,0.1,0.2'], budget, seed);
        expect(once.result.runs).toBeLessThanOrEqual(budget);
        expect(searched([TARGETS, COOLDOWNS, 'tolerance=0.05,0.1,0.2'], budget, seed)).toEqual(once);
      }),
      { numRuns: 10 },
    );
  });
});

describe('the frontier', () => {
  const { result } = searched(['target=3'], 10);
  const tried = (nodeSeconds: number, inTime: number): Tried => ({
    ...result.now,
    score: score(nodeSeconds, inTime),
  });

  it('is what nothing beats, the cheapest first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(1000)), { minLength: 1, maxLength: 60 }), (points) => {
        const all = points.map(([cost, inTime]) => tried(cost, inTime));
        const frontier = frontierOf(all);
        for (const each of all) {
          const beats = (other: Tried) =>
            other.score.nodeSeconds <= each.score.nodeSeconds && other.score.inTime >= each.score.inTime;
          expect(frontier.some(beats)).toBe(true);
        }
        for (const [index, { score }] of frontier.entries()) {
          const next = frontier[index + 1];
          if (next === undefined) break;
          expect(next.score.nodeSeconds).toBeGreaterThan(score.nodeSeconds);
          expect(next.score.inTime).toBeGreaterThan(score.inTime);
        }
        const chosen = frontier.find(({ score }) => meets(score, 0.9)) ?? null;
        const shown = readable(frontier, chosen, 0.9, 5);
        expect(chosen === null || shown.includes(chosen)).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(6);
      }),
    );
  });

  const found = (...scores: Score[]): Searched => ({
    ...result,
    tried: scores.map((each) => ({ ...result.now, score: each })),
    now: { ...result.now, score: score(900, 1000) },
  });

  it('gives the cheapest that holds on both parts, and says when the cheapest does not', () => {
    const results = found(score(500, 991), score(600, 999), score(700, 900));
    const checks = new Map(worthChecking(results, 0.99).map((each) => [each, each.score]));
    expect(worthCheckingToo(results, checks, 0.99)).toEqual([]);
    expect(verdictOn(results, checks, 0.99).verdict).toMatchObject({
      kind: 'met',
      take: { search: { nodeSeconds: 500 } },
    });
    const late = new Map(
      [...checks].map(([each, its]) => [each, its.nodeSeconds === 500 ? score(500, 980) : its]),
    );
    expect(verdictOn(results, late, 0.99).verdict).toMatchObject({
      kind: 'failed',
      chosen: { search: { nodeSeconds: 500 }, check: { inTime: 980 } },
      take: { search: { nodeSeconds: 600 } },
    });
  });

  it('looks beyond the frontier where the choice fails the check', () => {
    const results = found(...Array.from({ length: 60 }, (_, index) => score(500 + index, 1000)));
    const first = worthChecking(results, 0.99);
    const fail = new Map(first.map((each) => [each, score(500, 900)]));
    const more = worthCheckingToo(results, fail, 0.99);
    expect(more.map((each) => each.score.nodeSeconds)).toEqual([
      501, 506, 512, 517, 522, 527, 533, 538, 543, 548, 554, 559,
    ]);
    const checks = new Map([
      ...fail,
      ...more.map((each) => [each, score(0, each.score.nodeSeconds + 450)] as const),
    ]);
    expect(verdictOn(results, checks, 0.99).verdict).toMatchObject({
      kind: 'failed',
      take: { search: { nodeSeconds: 543 } },
    });
  });

  it('names the nearest where none serves the share', () => {
    const results = found(score(500, 700), score(600, 800), score(800, 790));
    expect(verdictOn(results, new Map(), 0.99).verdict).toMatchObject({
      kind: 'missed',
      nearest: { search: { inTime: 800 } },
    });
  });
});
