import type { Change } from '../history.js';
import type { Summary, WorkloadSummary } from '../summary.js';

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

/** What each workload did and what it cost, in lines of at most 80 columns. */
export function closingLines({ workloads, seconds, speed }: Summary): string[] {
  const spent = workloads.reduce((sum, each) => sum + each.gpuSeconds, 0);
  const alwaysOn = workloads.reduce((sum, each) => sum + each.alwaysOn, 0);
  const saved = alwaysOn === 0 ? 0 : Math.round(100 * (1 - spent / alwaysOn));
  const peaks = workloads.map((each) => each.peak).join(' + ');
  return [
    `${clockTime(seconds)} of the story, from the first request at zero:`,
    ...workloads.map((each) => `  ${workloadLine(each, speed)}`),
    `  ${grouped(spent)} GPU-seconds; ${peaks} replicas always on: ${grouped(alwaysOn)}; saved: ${saved} %`,
  ];
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
