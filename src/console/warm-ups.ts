import { Hono, type Context } from 'hono';
import type { LedgerOutcome, LedgerRecord } from '../ports/ledger.js';
import type { DeadWarmUp, StepReport, WarmUpStatus } from '../ports/warm-up.js';
import type { WarmUpDesk, WarmUpStore } from '../ports/warm-ups.js';
import { writeRules } from './orders.js';

/** Warm-ups over the admin API: to look at, and to cancel, retry or discard. Times are ISO 8601. */

/** Of the ledger, the newest; the sums are over all that it holds. */
const MOST_LINES = 10;

export function warmUpsApp(desk: WarmUpDesk): Hono {
  const app = new Hono();
  app.get('/', (context) => {
    const workload = context.req.query('workload');
    const [namespace = '', name] = workload?.split('/') ?? [];
    if (workload !== undefined && (namespace === '' || name === undefined || name === ''))
      return context.json({ error: `workload: got "${workload}", expected NAMESPACE/NAME` }, 400);
    const found = name === undefined ? desk.known() : desk.of(namespace, name);
    return context.json({ store: storeInIso(desk.store()), warmUps: found.map(statusInIso) });
  });
  app.get('/dead', (context) => told(context, async () => ({ dead: (await desk.dead()).map(deadInIso) })));
  for (const verb of ['retry', 'discard', 'cancel'] as const) {
    app.post(`/:id/${verb}`, writeRules, (context) =>
      told(context, async () => {
        const id = context.req.param('id') ?? '';
        if (await desk.act(verb, id)) return { outcome: PAST[verb], id };
        const which = verb === 'cancel' ? 'no such warm-up' : 'no warm-up that was given up';
        return { error: `${which}: ${id}`, status: 404 };
      }),
    );
  }
  return app;
}

const PAST = { cancel: 'cancelled', retry: 'planned again', discard: 'discarded' } as const;

/** What the store says, or why it does not. */
async function told(
  context: Context,
  answer: () => Promise<object & { status?: number }>,
): Promise<Response> {
  try {
    const { status, ...body } = await answer();
    return context.json(body, status === 404 ? 404 : 200);
  } catch (error) {
    return context.json({ error: error instanceof Error ? error.message : String(error) }, 503);
  }
}

/** The warm-ups of one ScaledObject, with what they cost so far: for its page, which does not fail with the store. */
export async function warmUpsOf(desk: WarmUpDesk, namespace: string, name: string): Promise<object> {
  const [ledger, dead] = await Promise.all([
    desk.ledger(namespace, name).catch((error: Error) => error.message),
    desk.dead().catch((error: Error) => error.message),
  ]);
  const mine = ({ status }: DeadWarmUp) => `${status.warmUp.workload}/`.startsWith(`${namespace}/${name}/`);
  return {
    store: storeInIso(desk.store()),
    floors: desk.floors(namespace, name).map((floor) => ({ ...floor, until: iso(floor.until) })),
    warmUps: desk.of(namespace, name).map(statusInIso),
    dead: typeof dead === 'string' ? { error: dead } : dead.filter(mine).map(deadInIso),
    ledger:
      typeof ledger === 'string'
        ? { error: ledger }
        : { sums: sumsOf(ledger), records: ledger.slice(0, MOST_LINES).map(recordInIso) },
  };
}

function sumsOf(records: readonly LedgerRecord[]): object {
  const outcomes: Partial<Record<LedgerOutcome, number>> = {};
  for (const { outcome } of records) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const sum = (of: (record: LedgerRecord) => number) => records.reduce((total, each) => total + of(each), 0);
  return {
    warmUps: records.length,
    outcomes,
    loadCame: records.filter(({ loadCameAt }) => loadCameAt !== null).length,
    gpuSecondsAhead: sum((each) => each.gpuSecondsAhead),
    gpuSecondsAboveReactive: sum((each) => each.gpuSecondsAboveReactive),
    waitingAvoided: sum((each) => each.waitingAvoided),
  };
}

function storeInIso(store: WarmUpStore): object {
  if (store.kind !== 'open' || store.health.kind === 'current') return store;
  return { ...store, health: { ...store.health, since: iso(store.health.since) } };
}

function statusInIso({ warmUp, plannedAt, begunAt, readyAt, steps, ...rest }: WarmUpStatus): object {
  const { slot: _slot, startAt, readyBy, holdUntil, leadTime, order: _order, ...asked } = warmUp;
  return {
    ...asked,
    ...rest,
    startAt: iso(startAt),
    readyBy: iso(readyBy),
    holdUntil: iso(holdUntil),
    leadTimeSeconds: leadTime / 1000,
    plannedAt: iso(plannedAt),
    begunAt: iso(begunAt),
    readyAt: iso(readyAt),
    steps: steps.map(stepInIso),
  };
}

function deadInIso({ status, at, reason }: DeadWarmUp): object {
  return { ...statusInIso(status), givenUpAt: iso(at), reason };
}

function recordInIso(record: LedgerRecord): object {
  const { plannedAt, begunAt, readyBy, readyAt, endedAt, loadCameAt, steps } = record;
  return {
    ...record,
    plannedAt: iso(plannedAt),
    begunAt: iso(begunAt),
    readyBy: iso(readyBy),
    readyAt: iso(readyAt),
    endedAt: iso(endedAt),
    loadCameAt: iso(loadCameAt),
    steps: steps.map(stepInIso),
  };
}

function stepInIso({ at, ...step }: StepReport): object {
  return { ...step, at: iso(at) };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
