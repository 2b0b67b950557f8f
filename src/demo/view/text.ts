import type { Change } from '../history.js';
import type { Summary, WorkloadSummary } from '../summary.js';
import type { WarmUpNote } from '../warm-ups.js';

/** `3:07`, minutes and seconds of the story. */
export function clockTime(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** ` 0:33  resnet  0→1  KEDA push      1 replica: woken: …` */
export function changeLine({ at, workload, from, to, by, reason }: Change): string {
  const why = by.limited === null ? reason : `${by.limited}: ${reason}`;
  return `${clockTime(at).padStart(5)}  ${workload.padEnd(6)}  ${from}→${to}  ${by.name.padEnd(13)}  ${why}`;
}

/** ` 8:20  llama   warm-up       planned, 3 by 9:55: announced: 450 jobs …` */
export function warmUpLine(note: WarmUpNote, at: number): string {
  const { workload, replicas, phase, readyAt, startsAt, why } = note;
  const head = `${clockTime(at).padStart(5)}  ${workload.padEnd(6)}       warm-up        `;
  switch (phase) {
    case 'planned':
    case 'begun':
      return `${head}${phase === 'begun' ? 'begun' : 'asked for'}, ${replicas} by ${clockTime(startsAt)}: ${why}`;
    case 'holding':
      return `${head}ready ${ahead(readyAt, startsAt)}: ${note.note}`;
  }
}

/** `llama 3 by 9:55, ready 22 s ahead` */
export function warmUpState(note: WarmUpNote, at: number): string {
  const { workload, replicas, startsAt, readyAt, askedAt } = note;
  const state =
    readyAt === null
      ? `asked for ${Math.round(Math.max(0, at - askedAt))} s ago`
      : `ready ${ahead(readyAt, startsAt)}`;
  return `${workload} ${replicas} by ${clockTime(startsAt)}, ${state}`;
}

function ahead(readyAt: number | null, startsAt: number): string {
  const seconds = Math.round(startsAt - (readyAt ?? startsAt));
  return seconds >= 0 ? `${seconds} s ahead` : `${-seconds} s late`;
}

/** What each workload did and what it cost, in lines of at most 80 columns. */
export function closingLines(summary: Summary): string[] {
  const { workloads, seconds, speed } = summary;
  const spent = workloads.reduce((sum, each) => sum + each.gpuSeconds, 0);
  const alwaysOn = workloads.reduce((sum, each) => sum + each.alwaysOn, 0);
  const saved = alwaysOn === 0 ? 0 : Math.round(100 * (1 - spent / alwaysOn));
  const peaks = workloads.map((each) => each.peak).join(' + ');
  return [
    `${clockTime(seconds)} of the story, from the first request at zero:`,
    ...workloads.map((each) => `  ${workloadLine(each, speed)}`),
    `  ${grouped(spent)} GPU-seconds; ${peaks} replicas always on: ${grouped(alwaysOn)}; saved: ${saved} %`,
    ...warmUpLines(summary),
  ];
}

const STORES: Readonly<Record<string, string>> = {
  'redis-server': 'a redis-server of the demo',
  pglite: 'PGlite in this process',
};

/** The second burst beside the first; nothing where it was not told. */
function warmUpLines({ workloads, keptIn }: Summary): string[] {
  if (!workloads.some(({ loads }) => loads.length > 1)) return [];
  const store = keptIn === null ? 'nowhere' : (STORES[keptIn] ?? keptIn);
  return [
    `The burst again, announced where it could be (warm-ups kept in ${store}):`,
    ...workloads.filter(({ loads }) => loads.length > 1).map((each) => `  ${secondBurstLine(each)}`),
  ];
}

function secondBurstLine({ name, loads, announced, warmUp }: WorkloadSummary): string {
  const [first, second] = loads.slice(-2).map(({ longestWait }) => `${Math.round(longestWait)} s`);
  const waited = `waited ${second ?? '?'}, the time before ${first ?? '?'}`;
  if (warmUp === null) {
    // The floor of an announcement holds from memory until then.
    const none = announced ? 'announced before the warm-up store was open' : 'no warm-up';
    return `${name.padEnd(6)}  ${none}; ${waited}`;
  }
  const { askedAt, readyAt, startsAt } = warmUp;
  const ready = readyAt === null ? 'not ready' : `ready ${ahead(readyAt, startsAt)}`;
  return `${name.padEnd(6)}  warm-up asked at ${clockTime(askedAt)}, ${ready}; ${waited}`;
}

/** With the slowest of its wakes, where there were several. */
function workloadLine({ name, wakes, peak, replicas }: WorkloadSummary, speed: number): string {
  const woken = wakes.flatMap(({ requestedAt, wokenAt, readyAt }) =>
    wokenAt === null
      ? []
      : [{ wake: wokenAt - requestedAt, ready: readyAt === null ? null : readyAt - requestedAt }],
  );
  const slowest = woken.sort((a, b) => b.wake - a.wake)[0];
  if (slowest === undefined) return `${name.padEnd(6)}  stayed at 0`;
  const real = Math.round((slowest.wake / speed) * 1000);
  const ready = slowest.ready === null ? '' : ` → ready in ${Math.round(slowest.ready)} s`;
  const story = `${slowest.wake.toFixed(1)} s of the story`;
  return `${name.padEnd(6)}  0 → woken in ${real} ms (${story})${ready} → ${peak} → ${replicas}`;
}

function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
