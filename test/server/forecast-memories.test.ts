import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { see } from '../../src/core/forecast/foresight.js';
import { openForecastMemories } from '../../src/server/forecast-memories.js';
import { loadProfiles } from '../../src/server/profiles-folder.js';
import { Registry } from '../../src/server/registry.js';
import type { Foreseeing } from '../../src/server/foresight.js';
import type { Workload } from '../../src/server/workload.js';
import { temporaryFolder } from '../support/processes.js';

const START = 1_800_000_000_000;
const HOUR = 3_600_000;
const FORECAST = { slots: '4', serviceTime: '8s', slo: '10s@99%', forecast: 'on', maxReplicas: '12' };

/** Processes that follow each other, with one folder for what outlives them. */
async function setUp() {
  const file = join(await temporaryFolder('state'), 'below', 'forecasts.jsonl');
  const clock = { now: () => now };
  const problems: string[] = [];
  let now = START;
  return {
    file,
    problems,
    pass: (ms: number) => (now += ms),
    start: async (most?: number) => {
      const permissions = {
        prometheus: () => null,
        queue: () => null,
        query: (_: string, query: string) => ({ query }),
      };
      const registry = new Registry(loadProfiles(undefined), permissions, clock);
      const onProblem = (why: string) => problems.push(why);
      const memories = await openForecastMemories({
        file,
        clock,
        onProblem,
        ...(most === undefined ? {} : { most }),
      });
      return {
        memories,
        /** As the registry does with triggers that nobody asks about. */
        forget: () => registry.forget(),
        /** The workload of a trigger, with what is remembered of it. */
        workload: (name: string, more: Readonly<Record<string, string>> = {}) => {
          const metadata = { profile: 'vllm-concurrency', ...FORECAST, ...more };
          const workload = registry.find({ namespace: 'shop', name, metadata }) as Workload;
          memories.attend(workload);
          return workload.foresight as Foreseeing;
        },
      };
    },
  };
}

function teach({ foresight }: Foreseeing, beats: number): void {
  for (let beat = 0; beat < beats; beat += 1)
    see(foresight, {
      at: START + beat * 15_000,
      length: 15_000,
      arrivals: 7,
      waiting: 0,
      running: 2,
      ready: 1,
    });
}

test('what was learned outlives a restart, for the triggers that are the same', async () => {
  const { start, problems } = await setUp();
  const before = await start();
  const taught = before.workload('llm');
  teach(taught, 30);
  await before.memories.save();
  const after = await start();
  expect(after.workload('llm').foresight.memory).toEqual(taught.foresight.memory);
  expect(after.workload('llm', { slots: '8' }).foresight.memory.beat).toBe(0);
  expect(after.workload('other').foresight.memory.beat).toBe(0);
  expect(problems).toEqual([]);
});

test('a trigger that KEDA stopped asking about goes on with what was learned when it is back', async () => {
  const { start, pass } = await setUp();
  const { workload, forget } = await start();
  const before = workload('llm');
  teach(before, 30);
  pass(HOUR);
  forget();
  expect(workload('llm')).not.toBe(before);
  expect(workload('llm').foresight.memory.beat).toBe(30);
});

test('it is saved every ten minutes', async () => {
  const { start, pass, file } = await setUp();
  const { memories, workload } = await start();
  teach(workload('llm'), 3);
  pass(9 * 60_000);
  memories.saveIfDue();
  await expect(readFile(file)).rejects.toThrow(/ENOENT/);
  pass(60_000);
  memories.saveIfDue();
  await expect.poll(() => readFile(file, 'utf8').catch(() => '')).toMatch(/shop\/llm/);
});

test('triggers nobody asks about are forgotten after two days, and the oldest where there are too many', async () => {
  const { start, pass, file } = await setUp();
  const { memories, workload } = await start(2);
  workload('gone');
  pass(49 * HOUR);
  for (const name of ['a', 'b', 'c']) {
    workload(name);
    pass(1000);
  }
  await memories.save();
  const kept = await readFile(file, 'utf8');
  expect([...kept.matchAll(/"id":"shop\/(\w+)\//g)].map(([, name]) => name)).toEqual(['b', 'c']);
});

test('a trigger that is asked about all the while is not forgotten, however long ago it was new', async () => {
  const { start, pass, file } = await setUp();
  const { memories, workload } = await start();
  const { foresight } = workload('old');
  pass(49 * HOUR);
  see(foresight, { at: START + 48 * HOUR, length: 15_000, arrivals: 7, waiting: 0, running: 2, ready: 1 });
  await memories.save();
  expect(await readFile(file, 'utf8')).toMatch(/shop\/old/);
});

test('a line that is broken costs its own memory and no other, and is said', async () => {
  const { start, file, problems } = await setUp();
  const before = await start();
  for (const name of ['a', 'b']) teach(before.workload(name), 20);
  await before.memories.save();
  const [head, a, b] = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, [head, a!.replace('"beat":20', '"beat":21'), b, ''].join('\n'));
  const after = await start();
  expect(after.workload('a').foresight.memory.beat).toBe(0);
  expect(after.workload('b').foresight.memory.beat).toBe(20);
  expect(problems).toEqual([expect.stringMatching(/forecasts\.jsonl: .*line 2: its digest does not fit/)]);
});

test.each([
  ['cut short', (text: string) => text.slice(0, -200), /line 3: its digest/],
  [
    'of another version',
    (text: string) => text.replace('"version":1', '"version":0'),
    /expected a first line/,
  ],
  ['no such file at all', () => 'hello\n', /expected a first line/],
])('a file %s is said, and what it lacks begins anew', async (_, spoil, words) => {
  const { start, file, problems } = await setUp();
  const before = await start();
  for (const name of ['a', 'b']) teach(before.workload(name), 20);
  await before.memories.save();
  await writeFile(file, spoil(await readFile(file, 'utf8')));
  const after = await start();
  expect(after.workload('b').foresight.memory.beat).toBe(0);
  expect(problems.join('\n')).toMatch(words);
  await after.memories.save();
  problems.length = 0;
  await start();
  expect(problems).toEqual([]);
});

test('a file that cannot be read or written is said and stops nothing', async () => {
  const { start, file, problems } = await setUp();
  await mkdir(file, { recursive: true });
  const { memories, workload } = await start();
  teach(workload('llm'), 3);
  await memories.save();
  expect(problems).toEqual([
    expect.stringMatching(/begin anew|cannot be used/),
    expect.stringMatching(/cannot be written/),
  ]);
});

test('between two saves no more are remembered than there is room for', async () => {
  const { start, pass } = await setUp();
  const { workload, forget } = await start(2);
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) {
    teach(workload(name), 30);
    pass(HOUR);
    forget();
  }
  expect(names.toReversed().map((name) => workload(name).foresight.memory.beat)).toEqual([30, 30, 0, 0]);
});
