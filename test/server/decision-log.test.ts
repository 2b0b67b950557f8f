import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decide } from '../../src/core/decide.js';
import { initialState, type State } from '../../src/core/state.js';
import type { Policy } from '../../src/core/policy.js';
import type { Step } from '../../src/ports/decision-log.js';
import type { TriggerRef } from '../../src/ports/decisions.js';
import { openDecisionLog } from '../../src/server/decision-log-file.js';
import { podOf, servePrometheusApi, vectorOf } from '../support/prometheus-api.js';
import { temporaryFolder } from '../support/processes.js';
import { serveHere } from '../support/running-server.js';

let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder('decision-log');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Takes every step again, as somebody would who asks of an old decision whether it was right. */
function redecided(steps: readonly Step[]): { trigger: string; logged: string; again: string }[] {
  const known = new Map<string, { state: State; policy: Policy }>();
  return steps.map(({ trigger, policy, now, observation, decision }) => {
    const past = policy === undefined ? known.get(trigger) : { state: initialState, policy };
    if (past === undefined) throw new Error(`${trigger} begins without a policy`);
    const { state, decision: again } = decide(past.state, observation, past.policy, now);
    known.set(trigger, { state, policy: past.policy });
    return { trigger, logged: JSON.stringify(decision), again: JSON.stringify(again) };
  });
}

test('every line decides the same again, byte for byte', async () => {
  const path = join(folder, 'decisions.jsonl');
  const loads: (number | string)[] = [25, 31.4159, 0, 'NaN', 500, '+Inf', -3, 1e-7, 0.1 + 0.2, 7];
  let tick = 0;
  const api = await servePrometheusApi((promql, response) => {
    tick += 1;
    const value = loads[Math.floor(tick / 3) % loads.length]!;
    const pods = tick % 3 === 0 ? [value] : [value, 12];
    const series = pods.map((each, index) => ({
      labels: { namespace: 'shop', pod: podOf('triton', index) },
      value: each,
      ageSeconds: 0.123,
    }));
    if (tick % 7 === 0) response.writeHead(500).end();
    else response.end(vectorOf(promql.includes('offset') ? [] : series));
  });
  const server = await serveHere({ prometheus: api.url, decisionLog: path, tick: 20 });
  const refs: TriggerRef[] = [
    { profile: 'triton-pending', target: '10', holdFor: '1s' },
    { profile: 'dcgm-gpu-util', output: 'signal', scaleDownWindow: '2s' },
    { profile: 'triton-pending,vllm-kv-cache', maxReplicas: '4', minReplicas: '1' },
    { profile: 'triton-queue-time', dryRun: 'true' },
  ].map((metadata, index) => ({ namespace: 'shop', name: index === 1 ? 'other' : 'triton', metadata }));
  await Promise.all(refs.map((ref) => server.keda.isActive(ref).catch(() => undefined)));
  for (let wait = 0; wait < 12; wait += 1) await server.ticked();
  await server.stop();
  await api.stop();

  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const steps = redecided(lines.map((line) => JSON.parse(line) as Step));
  expect(new Set(steps.map(({ trigger }) => trigger)).size).toBe(refs.length);
  expect(steps.length).toBeGreaterThan(24 * refs.length);
  for (const { logged, again } of steps) expect(again).toBe(logged);
  const verdicts = new Set(lines.map((line) => (JSON.parse(line) as Step).decision.verdict));
  expect(verdicts.size).toBeGreaterThan(1); // it was not all plain sailing
});

test('a file that cannot be written is named once, and nothing else comes of it', async () => {
  const problems: string[] = [];
  const log = openDecisionLog(join(folder, 'no', 'such', 'folder.jsonl'), (why) => problems.push(why));
  await expect
    .poll(() => problems)
    .toEqual([expect.stringMatching(/^--decision-log .*ENOENT.*decisions go on/)]);
  log.append({} as Step);
  await log.close();
  expect(problems).toHaveLength(1);
});
