import { replayPage } from '../replay/report/html.js';
import type { ReplayReport } from '../replay/report/report.js';
import { pageTimeline, type TimelineRow } from '../replay/report/timeline.js';
import { pageAssets } from './page-assets.js';

/** The report as a page with the manifest's run over time; a load that ends before its first sample has no such run. */
export function pageOf(report: ReplayReport, rows: readonly TimelineRow[]): string {
  const timelines = rows.length === 0 ? [] : [pageTimeline(report.manifest.object, rows)];
  return replayPage(report, timelines, pageAssets());
}
