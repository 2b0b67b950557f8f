import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Millis } from '../core/time.js';
import { parseDuration } from '../policy/duration.js';
import type { Announcement, Orders, Preparation, Refused, WakeRequest } from '../ports/orders.js';
import { isFromAnotherPage } from './access.js';

/** What may be asked for over the admin API: `POST …/announce` and `POST …/wake`. Times are ISO 8601 with their zone. */

const LARGEST_BODY = 16 * 1024;
const INSTANT = 'ISO 8601 with a zone, such as 2026-11-23T08:00:00Z';

const instant = z.iso.datetime({ offset: true, error: `expected ${INSTANT}` }).transform(Date.parse);
const length = z.string().transform((text, context): Millis => {
  const parsed = parseDuration(text);
  if (parsed !== null) return parsed;
  context.addIssue({ code: 'custom', message: 'expected a duration such as 90s, 5m or 1h30m' });
  return z.NEVER;
});
const announcement = z.strictObject({
  jobs: z.int().min(1).max(1_000_000_000),
  startsAt: instant,
  deadline: instant,
  idempotencyKey: z.string().regex(/^[\x20-\x7E]{1,128}$/, 'expected 1 to 128 printable ASCII characters'),
});
const wake = z.strictObject({ replicas: z.int().min(1).optional(), for: length.optional() });

const STATUS = { unknown: 404, refused: 422, conflict: 409, full: 429 } as const;

/** For whatever changes something: no other server's page, in the browser of somebody who may, can ask for it. */
export const writeRules: MiddlewareHandler = async (context, next) => {
  const foreign = isFromAnotherPage(context.req.header('origin'), context.req.header('host'));
  if (foreign) return context.json({ error: 'a page of another origin may not ask for anything here' }, 403);
  // A form of any page can send text/plain to loopback without a question; JSON it cannot.
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? ''))
    return context.json({ error: 'expected content-type: application/json' }, 415);
  return next();
};

export function ordersApp(orders: Orders): Hono {
  const app = new Hono();
  app.use('*', writeRules);
  app.use('*', bodyLimit({ maxSize: LARGEST_BODY, onError: tooLarge }));
  app.post('/announce', async (context) => {
    const { namespace, name } = named(context);
    const parsed = await bodyOf<Announcement>(context, announcement);
    if ('error' in parsed) return context.json(parsed, 400);
    const answer = await orders.announce(namespace, name, parsed.value);
    if (!('preparation' in answer)) return refused(context, answer);
    const status = answer.kind === 'accepted' ? 201 : 200;
    return context.json({ outcome: answer.kind, ...inIso(answer.preparation) }, status);
  });
  app.post('/wake', async (context) => {
    const { namespace, name } = named(context);
    const parsed = await bodyOf<z.infer<typeof wake>>(context, wake);
    if ('error' in parsed) return context.json(parsed, 400);
    const request: WakeRequest = {
      replicas: parsed.value.replicas ?? null,
      length: parsed.value.for ?? null,
    };
    const answer = await orders.wake(namespace, name, request);
    if (answer.kind !== 'awake') return refused(context, answer);
    const { kind, until, ...rest } = answer;
    return context.json({ outcome: kind, ...rest, until: new Date(until).toISOString() });
  });
  return app;
}

function named(context: Context): { namespace: string; name: string } {
  return { namespace: context.req.param('namespace') ?? '', name: context.req.param('name') ?? '' };
}

function refused(context: Context, { kind, why }: Refused): Response {
  return context.json({ error: why }, STATUS[kind]);
}

function tooLarge(context: Context): Response {
  return context.json({ error: `expected a body of at most ${LARGEST_BODY} bytes` }, 413);
}

/** An empty body is an empty object. */
async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<{ value: T } | { error: string }> {
  const text = await context.req.text();
  let body: unknown;
  try {
    body = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return { error: 'expected a body of JSON' };
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return { value: parsed.data };
  const error = parsed.error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
  return { error };
}

function inIso({ replicas, from, until, inTime, why }: Preparation): object {
  return {
    replicas,
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
    inTime,
    why,
  };
}
