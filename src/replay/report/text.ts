import { replicaRate } from '../setup.js';
import { costOverBound, money, nodeHours, type ReplayReport, type ReplayRow } from './report.js';

/** The report for a terminal: what was replayed, and one line for each policy. */
export function reportText(report: ReplayReport): string {
  const notes = report.notes.map((note) => `Note: ${note}`);
  const table = aligned([
    headings(report),
    ...report.rows.map((row) => cells(row, report)),
    ...boundCells(report),
  ]);
  return [...preamble(report), '', table, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

function preamble({ manifest, load, setup }: ReplayReport): string[] {
  const rate = round(replicaRate(setup), 3);
  const scored = setup.scoreFrom === 0 ? '' : `, scored from ${inWords(setup.scoreFrom)} on`;
  return [
    `${manifest.object} (${manifest.file}), by ${manifest.profiles.join(', ')}`,
    `${load.source}: ${inWords(load.seconds)}, ${load.requests} requests${scored}`,
    `A replica serves ${setup.slots} at once, ${setup.serviceTime} s each: ${rate} requests/s. At most ${setup.maxReplicas} replicas.`,
    `A node takes ${setup.nodeProvision} s to come and goes after ${setup.nodeIdle} s empty; a pod takes ${setup.modelLoad} s to load.`,
    `In time: waited at most ${setup.slo} s.`,
  ];
}

function headings({ pricePerHour }: ReplayReport): string[] {
  const cost = pricePerHour === null ? [] : ['COST'];
  return ['POLICY', 'NODE-HOURS', ...cost, '÷ BOUND', 'IN TIME', 'P50', 'P95', 'P99', 'COLD', 'WAKE-UPS'];
}

function cells({ name, score }: ReplayRow, report: ReplayReport): string[] {
  return [
    name,
    ...costCells(score.nodeSeconds, report),
    score.attainment === null ? '-' : percent(score.attainment),
    wait(score.p50),
    wait(score.p95),
    wait(score.p99),
    String(score.coldRequests),
    String(score.wakeups),
  ];
}

/** The last line: what nobody can be cheaper than. */
function boundCells(report: ReplayReport): string[][] {
  const { bound } = report;
  if (bound === null) return [];
  const nothing = ['-', '-', '-', '-', '-'];
  return [['bound', ...costCells(bound.nodeSeconds, report), percent(bound.attainment), ...nothing]];
}

function costCells(nodeSeconds: number, report: ReplayReport): string[] {
  const cost = money(nodeSeconds, report);
  const over = costOverBound(nodeSeconds, report);
  return [
    nodeHours(nodeSeconds).toFixed(1),
    ...(cost === null ? [] : [cost.toFixed(2)]),
    over === null ? '-' : over.toFixed(2),
  ];
}

/** 99.96 % stays below 100: a share that is rounded up would say that nobody waited. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10_000 + 1e-6) / 100).toFixed(2)} %`;
}

export function wait(seconds: number | null): string {
  if (seconds === null) return '-';
  return Number.isFinite(seconds) ? `${seconds} s` : 'never';
}

export function inWords(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${round(seconds / 86_400, 1)} days`;
  if (seconds >= 2 * 3600) return `${round(seconds / 3600, 1)} h`;
  return seconds >= 120 ? `${round(seconds / 60, 1)} min` : `${seconds} s`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Names to the left, figures to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
