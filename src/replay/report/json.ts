import type { Score } from '../score.js';
import { costOverBound, money, nodeHours, type ReplayReport } from './report.js';

/** The report for programs. Waits are in seconds; null where there is none, or no end to it. */
export function reportJson(report: ReplayReport): unknown {
  const { manifest, load, setup, pricePerHour, bound, notes } = report;
  const costs = (nodeSeconds: number) => ({
    nodeSeconds,
    nodeHours: nodeHours(nodeSeconds),
    money: money(nodeSeconds, report),
    costOverBound: costOverBound(nodeSeconds, report),
  });
  return {
    manifest,
    load,
    setup,
    pricePerHour,
    policies: report.rows.map(({ name, kind, score }) => ({
      name,
      kind,
      ...costs(score.nodeSeconds),
      ...served(score),
    })),
    bound: bound === null ? null : { attainment: bound.attainment, ...costs(bound.nodeSeconds) },
    notes,
  };
}

/** What was served, and how soon; of any score. */
export function served(score: Score): Record<string, unknown> {
  const { podSeconds, requests, inTime, attainment, coldRequests, wakeups } = score;
  const wait = { p50: finite(score.p50), p95: finite(score.p95), p99: finite(score.p99) };
  return { podSeconds, requests, inTime, attainment, wait, coldRequests, wakeups };
}

function finite(seconds: number | null): number | null {
  return seconds !== null && Number.isFinite(seconds) ? seconds : null;
}
