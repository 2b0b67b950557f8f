import { aligned, inWords, percent, wait } from '../report/text.js';
import { idleShare, type SharedReport, type SharedRun } from './report.js';
import type { SharerScore } from './sharer.js';
import type { Yield } from './yields.js';

const TITLES = { tiers: 'Shared out by tiers', 'first-come': 'First come, first served' } as const;

/** The report for a terminal: who shares what, and a table for each way to share it. */
export function sharedText(report: SharedReport): string {
  const notes = report.notes.map((note) => `Note: ${note}`);
  const parts = [preamble(report), ...report.runs.map((run) => runText(report, run)), notes];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function preamble({ gpus, seconds, scoreFrom, scaledObjects }: SharedReport): string[] {
  const scored = scoreFrom === 0 ? '' : `, scored from ${inWords(scoreFrom)} on`;
  return [
    `${counted(gpus, 'GPU')} for ${counted(scaledObjects.length, 'ScaledObject')}: ${inWords(seconds)}${scored}`,
    ...scaledObjects.flatMap(({ replay, tier, minimum, requests }) => {
      const { object, manifest, source, setup, trigger, gpus } = replay;
      const { slots, serviceTime, modelLoad, slo, maxReplicas } = setup;
      const profiles = trigger.profiles.map(({ name }) => name).join(', ');
      return [
        `${object} (${manifest.manifest.file}), by ${profiles}: ${source}, ${requests} requests`,
        [
          `  tier ${tier}, ${minimum} to ${maxReplicas} replicas of ${counted(gpus, 'GPU')}`,
          `each ${slots} at once, ${serviceTime} s; ${modelLoad} s to load; in time: waited at most ${slo} s`,
        ].join(', '),
      ];
    }),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const HEADINGS = [
  'SCALEDOBJECT',
  'TIER',
  'IN TIME',
  'P50',
  'P95',
  'P99',
  'GPU-HOURS',
  'WANTED',
  'GRANTED',
  'HELD',
  'PENDING',
  'LONGEST',
];

function runText(report: SharedReport, run: SharedRun): string[] {
  const rows = report.scaledObjects.map(({ replay, tier }, index) =>
    cells(replay.object, tier, run.scores[index]),
  );
  const all = (report.gpus * (report.seconds - report.scoreFrom)) / 3600;
  const used = run.gpuSeconds / 3600;
  return [
    `${TITLES[run.sharing]}:`,
    aligned([HEADINGS, ...rows]),
    `The pool: ${used.toFixed(2)} of ${all.toFixed(2)} GPU-hours used, ${percent(idleShare(report, run))} idle`,
    ...report.scaledObjects.flatMap(({ replay }, index) =>
      (run.scores[index]?.yields ?? []).map((each) => `${replay.object} ${yieldText(each)}`),
    ),
  ];
}

function cells(object: string, tier: 1 | 2, own: SharerScore | undefined): string[] {
  if (own === undefined) return [object];
  const { score } = own;
  return [
    object,
    String(tier),
    score.attainment === null ? '-' : percent(score.attainment),
    wait(score.p50),
    wait(score.p95),
    wait(score.p99),
    (own.gpuSeconds / 3600).toFixed(2),
    String(own.wanted),
    own.granted === null ? 'all' : String(own.granted),
    `${own.heldSeconds} s`,
    `${own.pendingPodSeconds} s`,
    `${own.longestWait} s`,
  ];
}

function yieldText({ at, had, to, gaveAt, overAt, backAt, wholeAt }: Yield): string {
  const gave = gaveAt === null ? 'they never came free' : `free ${gaveAt - at} s later`;
  const cut = `gave up ${had - to} of ${had} replicas at ${at} s, ${gave}`;
  if (overAt === null)
    return `${cut}; ${backAt === null ? 'others needed them to the end' : `wanted no more from ${backAt} s on`}`;
  const back = backAt === null ? 'not granted again' : `granted again ${backAt - overAt} s later`;
  const whole = backAt === null || wholeAt === null ? '' : `, on GPUs ${wholeAt - backAt} s after that`;
  return `${cut}; others needed them until ${overAt} s, ${back}${whole}`;
}
