import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pauseAfter } from '../../src/cluster/watch/back-off.js';
import { ApiServer } from '../support/api-server.js';
import { deployment, openOn, pod, scaledObject, type PodState } from '../support/cluster-under-test.js';
import { eventually } from '../support/processes.js';

const state = fc.constantFrom<PodState>(
  {},
  { node: 'n' },
  { node: 'n', started: 1 },
  { node: 'n', started: 1, ready: 2 },
  { node: 'n', started: 1, ready: 2, deleting: true },
  { node: 'n', phase: 'Succeeded' },
);
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('put' as const), id, state }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('remove' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('bookmark', 'hang up', 'compact', 'garbage', 'pause') }),
  },
);

it('ends with what the API server has, whatever happened on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (steps) => {
      const server = await ApiServer.start();
      server.put('scaledobjects', scaledObject('llm'));
      server.put('deployments', deployment('llm', 1));
      for (const each of ['a', 'b', 'c']) server.put('pods', pod('llm', each));
      const { cluster } = await openOn(server, { timing: { firstPause: 2 } });
      const names = () => server.objects('pods').map(({ metadata }) => metadata.name);
      for (const each of steps) {
        if (each.what === 'put') server.put('pods', pod('llm', each.id, each.state));
        else if (each.what === 'remove') {
          if (names().includes(`llm-abc123-${each.id}`)) server.remove('pods', `ns/llm-abc123-${each.id}`);
        } else if (each.what === 'bookmark') server.bookmark('pods');
        else if (each.what === 'hang up') server.hangUp('pods');
        else if (each.what === 'compact') server.compact('pods');
        else if (each.what === 'garbage') server.inject('pods', 'no JSON\n');
        else await new Promise((resolve) => setTimeout(resolve, 15));
      }
      const expected = server
        .objects('pods')
        .filter(({ status }) => (status as { phase: string }).phase !== 'Succeeded')
        .map(({ metadata }) => `${metadata.name} ${metadata['deletionTimestamp'] === undefined}`);
      await eventually('the same pods', async () => {
        const found = cluster.pods();
        const items = found.kind === 'known' ? found.items : [];
        expect(items.map(({ name, deleting }) => `${name} ${!deleting}`).sort()).toEqual(expected.sort());
        return true;
      });
      const alive = expected.filter((each) => each.endsWith('true')).length;
      const answer = cluster.facts('ns', 'llm');
      if (answer.kind === 'unknown') throw new Error(answer.why);
      const { ready, starting, pending } = answer.facts.replicas;
      expect(ready + starting + pending).toBe(Math.max(1, alive));
      await cluster.close();
      await server.stop();
      expect(server.refused).toEqual([]);
    }),
    { numRuns: 12 },
  );
});

it('pauses longer after each failure, by chance, no longer than half a minute, and as long as it is told to', () => {
  expect([1, 2, 3, 6, 7, 1000].map((failures) => pauseAfter(failures, null, 1))).toEqual([
    800, 1600, 3200, 25_600, 30_000, 30_000,
  ]);
  expect(pauseAfter(3, null, 0)).toBe(1600);
  expect(pauseAfter(1, 10_000, 0.5)).toBe(10_000);
  expect(pauseAfter(1, 3_600_000, 0.5)).toBe(60_000);
});
