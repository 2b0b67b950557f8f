import { replayPage } from '../replay/report/html.js';
import type { ReplayReport } from '../replay/report/report.js';
import { pageTimeline, type Timeline } from '../replay/report/timeline.js';
import { pageAssets } from './page-assets.js';

/** Runs over time by their policy's name, the manifest's first. */
export type Timelines = ReadonlyMap<string, Timeline>;

/** The report as a page with the runs over time. */
export function pageOf(report: ReplayReport, timelines: Timelines): string {
  const runs = [...timelines].map(([policy, timeline]) => pageTimeline(policy, timeline));
  return replayPage(report, runs, pageAssets());
}
