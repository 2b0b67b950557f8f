import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createExpositionReader } from '../../../src/signals/scrape/exposition.js';
import { createHistories } from '../../../src/signals/scrape/histories.js';
import type { Needs } from '../../../src/signals/scrape/needs.js';
import type { ExpositionSample } from '../../../src/signals/scrape/sample-line.js';
import { samplesOf } from './support.js';

function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

it('samples do not keep the text of their page alive', () => {
  const wanted = (name: string) => name.startsWith('wanted');
  const line =
    'wanted_with_a_long_name{model="meta-llama/Llama-3.1-8B-Instruct"} 1\nwanted_without_any_label 1\n';
  const text = Buffer.from(line + '# nothing of interest\n'.repeat(4000));
  const kept: (readonly ExpositionSample[])[] = [];
  const before = usedHeap();
  for (let page = 0; page < 200; page += 1) {
    const reader = createExpositionReader({ wanted });
    reader.push(new TextDecoder().decode(text)); // a string of its own each time, as from the network
    const parsed = reader.end();
    if (parsed.kind === 'page') kept.push(parsed.samples);
  }
  const grown = usedHeap() - before;
  expect(kept.flat()).toHaveLength(400);
  expect(text.length * 200).toBeGreaterThan(15_000_000);
  expect(grown).toBeLessThan(5_000_000);
});

describe('all histories together', () => {
  const needs: Needs = { names: new Set(['c']), compared: new Set(['c']), over: 0 };
  const page = (at: number, series: number) => {
    return {
      at,
      samples: samplesOf(Array.from({ length: series }, (_, i) => `c{i="${i}"} ${at}\n`).join('')),
    };
  };

  function shared(most: number, targets: string[]) {
    const histories = createHistories(most);
    histories.keepOnly(new Set(targets));
    return histories;
  }

  it('refuse what holds more than its share, once there is too much', () => {
    const histories = shared(100, ['a', 'b', 'c', 'd']);
    expect(histories.add('a', page(0, 90), needs)).not.toBeNull();
    expect(histories.add('b', page(0, 25), needs)).not.toBeNull(); // over the bound, but no more than a quarter of it
    expect(histories.add('c', page(0, 26), needs)).toBeNull();
    expect(histories.add('a', page(5000, 90), needs)).toBeNull(); // the page before counts as well
    expect(histories.add('c', page(0, 26), needs)).not.toBeNull();
  });

  it('have room again when targets go', () => {
    const histories = shared(100, ['a', 'b']);
    histories.add('a', page(0, 90), needs);
    expect(histories.add('b', page(0, 60), needs)).toBeNull();
    histories.keepOnly(new Set(['b']));
    expect(histories.add('b', page(0, 60), needs)).not.toBeNull();
    expect(histories.add('b', page(5000, 30), needs)?.earlier).toHaveLength(1);
  });

  it('are never more than twice the bound', () => {
    const targets = Array.from({ length: 60 }, (_, i) => String(i));
    const histories = shared(100, targets);
    const held = new Map<string, number>();
    for (let time = 0; time < 3; time += 1) {
      for (const [index, target] of targets.entries()) {
        const history = histories.add(target, page(time * 5000, 1 + ((index * 37) % 60)), needs);
        const points = history?.earlier.reduce((sum, past) => sum + past.points.size, 0) ?? 0;
        held.set(target, (history?.page.samples.length ?? 0) + points);
        expect([...held.values()].reduce((sum, series) => sum + series, 0)).toBeLessThanOrEqual(200);
      }
    }
  });
});
