import { aligned } from '../report/text.js';
import type { Score } from '../score.js';
import { replicaRate } from '../setup.js';
import { shownShare } from './frontier.js';
import { NOW, type Space } from './space.js';
import type { Part, Split } from './split.js';
import type { Row, Tuning } from './tuning.js';
import { meanNodes } from './json.js';

/** The search for a terminal: what was searched, the frontier, the choice with its check, and its manifest. */
export function tuningText(tuning: Tuning): string {
  const notes = tuning.notes.map((note) => `Note: ${note}`);
  return [
    ...preamble(tuning),
    '',
    ...searchedLines(tuning),
    '',
    frontierTable(tuning),
    '',
    ...verdictLines(tuning),
    ...(notes.length > 0 ? ['', ...notes] : []),
    ...(tuning.written === null
      ? []
      : [
          '',
          'The ScaledObject (--yaml FILE writes the whole file):',
          '',
          tuning.written.scaledObject.trimEnd(),
        ]),
  ].join('\n');
}

function preamble({ manifest, load, setup, share, split }: Tuning): string[] {
  const rate = Number(replicaRate(setup).toFixed(3));
  return [
    `${manifest.object} (${manifest.file}), by ${manifest.profiles.join(', ')}`,
    `${load.source}: ${inWords(load.seconds)}, ${load.requests} requests`,
    `A replica serves ${setup.slots} at once, ${setup.serviceTime} s each: ${rate} requests/s. At most ${setup.maxReplicas} replicas.`,
    `A node takes ${setup.nodeProvision} s to come and goes after ${setup.nodeIdle} s empty; a pod takes ${setup.modelLoad} s to load.`,
    `Wanted: ${Number((share * 100).toFixed(4))} % of the requests wait at most ${setup.slo} s.`,
    ...splitLines(split),
  ];
}

function splitLines({ kind, search, check }: Split): string[] {
  const of = (part: Part) => `${partWords(kind, part)} (${part.requests} requests)`;
  const again = kind === 'days' ? 'checked' : 'run again';
  const checked = check === null ? 'checked on nothing' : `${again} on ${of(check)}`;
  return [`Searched on ${of(search)}, ${checked}.`];
}

const DAY = 86_400;

/** `days 2 to 8`, counted from 1; what is no whole day in time. */
function partWords(kind: Split['kind'], { from, to }: Part): string {
  if (kind !== 'days') return `${inWords(from)} to ${inWords(to)}`;
  const [first, last] = [Math.floor(from / DAY) + 1, Math.ceil(to / DAY)];
  const days = first === last ? `day ${first}` : `days ${first} to ${last}`;
  return from % DAY === 0 ? days : `${days} but for the first ${inWords(from % DAY)}`;
}

function searchedLines({ space, searched, budget, seed }: Tuning): string[] {
  const { method, combinations, runs, alike, leftOut, leftOutWhy } = searched;
  const how =
    method === 'grid'
      ? `All ${combinations} combinations in ${runs} runs${alike > 0 ? `; ${alike} run like another one` : ''}`
      : `${runs} runs (--budget ${budget}) of ${combinations} combinations, by steps from the manifest and from random settings (--seed ${seed})`;
  const out = leftOut > 0 ? [`${leftOut} were left out, as not possible together: ${leftOutWhy}`] : [];
  const widest = Math.max(...space.map(({ knob }) => knob.key.length));
  const values = space.map(
    ({ knob, options }) =>
      `  ${knob.key.padEnd(widest)}  ${options.map(({ value, shown }) => (value === null && shown !== NOW ? `${shown} (now)` : shown)).join(', ')}`,
  );
  return [`${how}:`, ...values, ...out];
}

function frontierTable(tuning: Tuning): string {
  const { space, now, frontier, verdict, pricePerHour, split } = tuning;
  const price = pricePerHour === null ? [] : ['COST/DAY'];
  const check = split.check === null ? [] : ['CHECK: NODES', ...price, 'IN TIME', 'P99'];
  const head = ['', 'NODES', ...price, 'IN TIME', 'P99', ...check, ...space.map(({ knob }) => knob.label)];
  const { take } = verdict;
  const beside = [now, ...(take === null ? [] : [take])].filter((row) => !frontier.includes(row));
  const rows = [...new Set([...beside, ...frontier])].toSorted(
    (a, b) => a.search.nodeSeconds - b.search.nodeSeconds,
  );
  return aligned([head, ...rows.map((row) => cells(row, tuning))]);
}

function cells(row: Row, tuning: Tuning): string[] {
  const { space, split } = tuning;
  return [
    markOf(row, tuning),
    ...scoreCells(row.search, split.search, tuning),
    ...(split.check === null || row.check === null ? [] : scoreCells(row.check, split.check, tuning)),
    ...valuesOf(space, row),
  ];
}

function scoreCells(score: Score, part: Part, { pricePerHour }: Tuning): string[] {
  const nodes = meanNodes(score, part);
  return [
    nodes.toFixed(2),
    ...(pricePerHour === null ? [] : [(nodes * 24 * pricePerHour).toFixed(2)]),
    percent(score),
    wait(score.p99),
  ];
}

function markOf(row: Row, { now, verdict }: Tuning): string {
  const marks = [
    ...(row === now ? ['now'] : []),
    ...(verdict.kind === 'met' && row === verdict.chosen ? ['chosen'] : []),
    ...(verdict.kind === 'failed' && row === verdict.chosen ? ['fails the check'] : []),
    ...(verdict.kind === 'failed' && row === verdict.take ? ['on both'] : []),
    ...(verdict.kind === 'missed' && row === verdict.nearest ? ['nearest'] : []),
  ];
  return marks.join(', ');
}

function valuesOf(space: Space, { point }: Row): string[] {
  return space.map(({ options, present }, index) => {
    const option = point === null ? options.find(({ value }) => value === null) : options[point[index] ?? 0];
    return option?.shown ?? present ?? NOW;
  });
}

function verdictLines(tuning: Tuning): string[] {
  const { verdict, split, share, setup, now } = tuning;
  switch (verdict.kind) {
    case 'met':
      return [
        `Chosen: ${named(tuning, verdict.chosen)}`,
        `  search: ${besideNow(verdict.chosen.search, now.search, split.search)}`,
        ...checkLines(tuning, verdict.chosen),
      ];
    case 'failed': {
      const { chosen, take } = verdict;
      const by = points(share, chosen.check);
      return [
        `Not to be relied on: the cheapest setting that serves ${asPercent(share)} on the search part misses it on the check part by ${by} points:`,
        `  ${named(tuning, chosen)}`,
        `  search: ${besideNow(chosen.search, now.search, split.search)}`,
        ...checkLines(tuning, chosen),
        ...(take === null ? [NONE_ON_BOTH] : [`The cheapest that serves it on both: ${named(tuning, take)}`]),
        ...(take === null
          ? []
          : [
              `  search: ${besideNow(take.search, now.search, split.search)}`,
              ...checkLines(tuning, take),
              '  It was picked by both parts, so nothing is left to check it on: search with a margin (--slo-share), or on more days.',
            ]),
      ];
    }
    case 'missed': {
      const by = points(share, verdict.nearest.search);
      return [
        `No setting serves ${asPercent(share)} of the requests within ${setup.slo} s. The nearest misses it by ${by} points:`,
        `  ${named(tuning, verdict.nearest)}`,
        `  search: ${besideNow(verdict.nearest.search, now.search, split.search)}`,
        ...checkLines(tuning, verdict.nearest),
      ];
    }
  }
}

const NONE_ON_BOTH =
  'No setting that was checked serves it on both. Search with a margin (--slo-share), or a wider space (--set).';

/** By how much a score misses the share; never nothing, since it does. */
function points(share: number, score: Score | null): string {
  return Math.max(0.01, (share - (score?.attainment ?? 0)) * 100).toFixed(2);
}

function checkLines({ split, now }: Tuning, { check }: Row): string[] {
  if (check === null || split.check === null) return [];
  const beside = now.check === null ? inShort(check, split.check) : besideNow(check, now.check, split.check);
  return [`  check:  ${beside}`];
}

/** `2.48 nodes (+28 %), 99.32 % in time; as it is now: 1.94 nodes, 96.84 % in time` */
function besideNow(score: Score, now: Score, part: Part): string {
  if (score === now) return `${inShort(score, part)}, as it is now`;
  const ratio = now.nodeSeconds === 0 ? 1 : score.nodeSeconds / now.nodeSeconds;
  const change = Math.round((ratio - 1) * 100);
  const less = `${change > 0 ? '+' : '−'}${Math.abs(change)} %`;
  const signed = change === 0 ? '' : ` (${ratio >= 2 ? `${ratio.toFixed(1)} ×` : less})`;
  return `${inShort(score, part, signed)}; as it is now: ${inShort(now, part)}`;
}

function inShort(score: Score, part: Part, change = ''): string {
  return `${meanNodes(score, part).toFixed(2)} nodes${change}, ${percent(score)} in time`;
}

/** What it changes, by full names. */
function named({ space, now }: Tuning, row: Row): string {
  const own = valuesOf(space, now);
  const changes = row.candidate.changes.flatMap(({ knob, value }) => {
    const before = own[space.findIndex((each) => each.knob.key === knob.key)] ?? NOW;
    if (before === value) return [];
    return before === NOW ? [`${knob.key} ${value}`] : [`${knob.key} ${before} → ${value}`];
  });
  return changes.length === 0 ? 'the manifest as it is' : changes.join(', ');
}

function asPercent(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}

function percent(score: Score): string {
  return score.attainment === null ? '-' : `${(shownShare(score) / 100).toFixed(2)} %`;
}

function wait(seconds: number | null): string {
  if (seconds === null) return '-';
  return Number.isFinite(seconds) ? `${seconds} s` : 'never';
}

function inWords(seconds: number): string {
  const [size, unit] =
    seconds >= 2 * DAY
      ? [DAY, 'days']
      : seconds >= 7200
        ? [3600, 'h']
        : seconds >= 120
          ? [60, 'min']
          : [1, 's'];
  return `${Number((seconds / size).toFixed(1))} ${unit}`;
}
