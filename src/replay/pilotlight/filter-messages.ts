import { z } from 'zod';
import { MOST_REPLICAS } from '../../core/policy.js';

/** The lines that the policy filter reads. Unknown fields are passed over, so that a simulator may add its own. */

/** Characters; a longer line is no tick. */
export const LONGEST_LINE = 1024 * 1024;

const seconds = z.number('a number of seconds ≥ 0').min(0, 'a number of seconds ≥ 0');
const moment = z.number('a moment in seconds');
const lengthOfTime = z.number('a number of seconds > 0').gt(0, 'a number of seconds > 0');
const amount = z.number('a number ≥ 0').min(0, 'a number ≥ 0');
const COUNT = `a whole number from 0 to ${MOST_REPLICAS}`;
const count = z.int(COUNT).min(0, COUNT).max(MOST_REPLICAS, COUNT);
const SHARE = 'a share of 1, or null when no replica is ready';
const share = z.number(SHARE).min(0, SHARE).nullable().default(null);

const init = z.object({
  type: z.literal('init'),
  slotsPerReplica: z.number('a number > 0').gt(0, 'a number > 0').optional(),
  serviceSeconds: lengthOfTime.optional(),
  sloWaitSeconds: seconds.optional(),
  provisionSeconds: seconds.optional(),
  loadSeconds: seconds.optional(),
  nodeIdleSeconds: seconds.optional(),
  maxReplicas: count.min(1, 'a whole number ≥ 1').optional(),
  scrapeSeconds: lengthOfTime.optional(),
});

const sample = z.object(
  {
    t: moment,
    secs: lengthOfTime,
    arrivals: amount,
    queue: amount,
    running: amount,
    ready: count,
    spec: count.default(0),
    util: share,
    duty: share,
  },
  'a sample such as {"t":15,"secs":15,"arrivals":12,"queue":0,"running":3,"ready":1,"spec":1,"util":0.7,"duty":0.9}',
);

const tick = z.object({
  type: z.literal('tick'),
  t: moment,
  current: count,
  ready: count,
  starting: count.default(0),
  pending: count.default(0),
  samples: z.array(sample, 'a list of samples').default([]),
});

export type Init = z.infer<typeof init>;
export type Tick = z.infer<typeof tick>;

const message = z.discriminatedUnion('type', [init, tick], 'an object with "type": "init" or "tick"');

export type ParsedMessage =
  { readonly ok: true; readonly message: Init | Tick } | { readonly ok: false; readonly error: string };

/** Reads one line. Never throws. */
export function parseMessage(text: string): ParsedMessage {
  if (text.length > LONGEST_LINE) return { ok: false, error: `longer than ${LONGEST_LINE} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, error: `not JSON: ${why.slice(0, 200)}` };
  }
  const parsed = message.safeParse(value);
  if (parsed.success) return { ok: true, message: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, error: `${inDots(issue?.path ?? [])}expected ${issue?.message ?? 'something else'}` };
}

/** `samples[0].queue: ` */
function inDots(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return `${text.replace(/^\./, '')}: `;
}
