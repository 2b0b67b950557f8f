import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { replayPage } from '../replay/report/html.js';
import type { PageAssets } from '../replay/report/page/document.js';
import type { ReplayReport } from '../replay/report/report.js';
import { pageTimeline, type TimelineRow } from '../replay/report/timeline.js';

/** The report as a page with the manifest's run over time; a load that ends before its first sample has no such run. */
export function pageOf(report: ReplayReport, rows: readonly TimelineRow[]): string {
  const timelines = rows.length === 0 ? [] : [pageTimeline(report.manifest.object, rows)];
  return replayPage(report, timelines, assets());
}

/** The chart library goes into the page, so that it needs no network. */
function assets(): PageAssets {
  const require = createRequire(import.meta.url);
  const read = (path: string) => readFileSync(require.resolve(path), 'utf8');
  return { script: read('uplot/dist/uPlot.iife.min.js'), style: read('uplot/dist/uPlot.min.css') };
}
