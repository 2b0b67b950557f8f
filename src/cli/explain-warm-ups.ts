import { z } from 'zod';
import { inWords } from '../core/time.js';
import { table } from './command.js';

/** The warm-ups of a ScaledObject as the admin API shows them, in lines for an operator. */

const instant = z.string();
const failed = z.object({ error: z.string() });
const warmUp = z.object({
  id: z.string(),
  phase: z.string(),
  source: z.string(),
  replicas: z.number(),
  why: z.string(),
  startAt: instant,
  readyBy: instant,
  holdUntil: instant,
  readyAt: instant.nullable(),
  expectedCost: z.number(),
  late: z.boolean(),
  lastFailure: z.string().nullable(),
  steps: z.array(z.object({ step: z.string(), outcome: z.string(), note: z.string() })),
});
const sums = z.object({
  warmUps: z.number(),
  outcomes: z.record(z.string(), z.number()),
  loadCame: z.number(),
  gpuSecondsAhead: z.number(),
  waitingAvoided: z.number(),
});

export const warmUpsSchema = z.object({
  store: z.object({
    kind: z.string(),
    why: z.string().nullable().optional(),
    description: z.string().optional(),
    health: z.object({ kind: z.string(), since: instant.optional(), why: z.string().optional() }).optional(),
  }),
  floors: z.array(z.object({ replicas: z.number(), until: instant, why: z.string(), source: z.string() })),
  warmUps: z.array(warmUp),
  dead: z.union([failed, z.array(warmUp.extend({ givenUpAt: instant, reason: z.string() }))]),
  ledger: z.union([failed, z.object({ sums })]),
});
export type WarmUpsView = z.infer<typeof warmUpsSchema>;

export function warmUpLines(view: WarmUpsView, now: number): string[] {
  const { store, floors, warmUps, dead, ledger } = view;
  if (store.kind === 'off') return [`warm-ups   off: ${store.why ?? ''}`];
  return [
    `warm-ups   ${storeLine(store)}`,
    ...floors.map(
      ({ replicas, until, why, source }) =>
        `floor      at least ${replicas} until ${until} (${source}): ${why}`,
    ),
    ...(warmUps.length === 0 ? ['none to come'] : ['', warmUpTable(warmUps, now)]),
    ...('error' in dead
      ? []
      : dead.map(
          ({ id, reason }) => `given up   ${id}: ${reason}; retry or discard it under /v1/warm-ups/${id}`,
        )),
    ledgerLine(ledger),
  ];
}

function storeLine({ kind, why, description, health }: WarmUpsView['store']): string {
  if (kind === 'opening') return why ? `off until their store opens: ${why}` : 'their store is being opened';
  const known = description ?? kind;
  if (health?.kind !== 'stale') return known;
  return `${known}; it has not answered since ${health.since ?? '?'} (${health.why ?? '?'}), and the last known floors stand`;
}

function warmUpTable(warmUps: WarmUpsView['warmUps'], now: number): string {
  const rows = warmUps.map(({ phase, source, replicas, readyBy, holdUntil, expectedCost, ...each }) => [
    phase,
    source,
    String(replicas),
    readyBy,
    holdUntil,
    `${Math.round(expectedCost)} GPU-s`,
    stateOf(phase, each, now),
    each.why,
  ]);
  return table([['WARM-UP', 'BY', 'REPLICAS', 'READY BY', 'UNTIL', 'AT MOST', 'NOW', 'WHY'], ...rows]);
}

function stateOf(
  phase: string,
  {
    startAt,
    readyAt,
    late,
    lastFailure,
    steps,
  }: Pick<z.infer<typeof warmUp>, 'startAt' | 'readyAt' | 'late' | 'lastFailure' | 'steps'>,
  now: number,
): string {
  if (phase === 'planned') return `begins in ${inWords(Math.max(0, Date.parse(startAt) - now))}`;
  if (readyAt !== null) return `ready since ${readyAt}`;
  const last = steps.at(-1);
  const done = last === undefined ? 'begun' : `${last.step} ${last.outcome}`;
  const trouble = lastFailure === null ? '' : `; last failure: ${lastFailure}`;
  return `${late ? 'late, ' : ''}${done}${trouble}`;
}

function ledgerLine(ledger: WarmUpsView['ledger']): string {
  if ('error' in ledger) return `ledger     not known: ${ledger.error}`;
  const { warmUps, outcomes, loadCame, gpuSecondsAhead, waitingAvoided } = ledger.sums;
  if (warmUps === 0) return 'ledger     no warm-up has ended yet';
  const ended = Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
  return (
    `ledger     ${warmUps} ended (${ended}); the load came for ${loadCame}; ${Math.round(gpuSecondsAhead)} GPU-seconds ahead of it, ` +
    `${Math.round(waitingAvoided)} replica-seconds of waiting avoided`
  );
}
