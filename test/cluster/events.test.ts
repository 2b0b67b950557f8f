import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEvents, type ScaledObjectEvent } from '../../src/cluster/events.js';
import { openWriter } from '../../src/cluster/write.js';
import { NOW } from './cluster-objects.js';
import { StandInApi } from './stand-in-api.js';

let api: StandInApi;
beforeEach(async () => {
  api = await StandInApi.start();
});
afterEach(() => api.stop());

async function told(event: Partial<ScaledObjectEvent>) {
  const access = { server: api.url, options: () => Promise.resolve({}), close: () => undefined };
  const events = openEvents(openWriter(access), { now: () => NOW }, 'pilotlight-0');
  const base = {
    namespace: 'team-a',
    name: 'bert',
    uid: 'uid',
    type: 'Warning',
    reason: 'Blind',
    note: 'why',
  };
  const outcome = await events.tell({ ...base, type: 'Warning', ...event });
  return { outcome, body: api.requests.at(-1)?.body };
}

test('a note that is too long is cut to 1024 bytes, and through no letter', async () => {
  const { outcome, body } = await told({ note: 'µ'.repeat(600) });
  expect(outcome).toBe('told');
  expect(body?.['note']).toBe(`${'µ'.repeat(510)}…`);
});

test('a name that is too long is cut to one that an object may have', async () => {
  // The cut falls behind the dash.
  const { outcome } = await told({ name: `${'a'.repeat(237)}-${'b'.repeat(15)}` });
  expect(outcome).toBe('told');
});
