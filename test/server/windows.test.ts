import { afterEach, expect, test } from 'vitest';
import { stepByHand, type SteppedScaler } from '../support/stepped-scaler.js';

/** Windows of a trigger’s metadata, from the tick to KEDA’s stream. */

let stepped: SteppedScaler | null = null;

afterEach(() => stepped?.stop());

const WAIT = { timeout: 5000, interval: 5 };

test('a warm window wakes over the stream by its lead time, and a sleep window ends it', async () => {
  let now = Date.parse('2026-11-23T06:49:55Z');
  stepped = await stepByHand({}, { clock: { now: () => now } });
  const { keda, scaler, registry } = stepped;
  const ref = {
    namespace: 'shop',
    name: 'triton',
    metadata: {
      profile: 'triton-pending',
      warmWindows: '0 8 * * 1-5/10h=3',
      sleepWindows: '30 16 * * */12h',
      timezone: 'Europe/Berlin',
    },
  };
  const stream = keda.streamIsActive(ref);
  const at = async (time: string) => {
    now = Date.parse(`2026-11-23T${time}Z`);
    await scaler.tick();
    return registry.named('shop', 'triton')[0]?.decision;
  };
  await expect.poll(() => stream.received, WAIT).toEqual([false]);
  expect(await at('06:50:00')).toMatchObject({ desired: 3, active: true, verdict: 'fresh' });
  await expect.poll(() => stream.received, WAIT).toEqual([false, true]);
  const [value] = await keda.metrics(ref, 'pilotlight-replicas');
  expect(value?.metricValueFloat).toBe(3);
  // 16:30 in Berlin: the warm window, which lasts until 18:00, wins.
  expect(await at('15:30:00')).toMatchObject({ desired: 3, active: true });
  const asleep = await at('17:00:00');
  expect(asleep).toMatchObject({ desired: 0, active: false, verdict: 'fresh' });
  expect(asleep?.reason).toContain('sleep window 30 16 * * *: zero until Tue 04:30 Europe/Berlin');
  await expect.poll(() => stream.received, WAIT).toEqual([false, true, false]);
  stream.cancel();
});
