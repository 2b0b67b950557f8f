import { pageOf, type GoldenTarget } from './cases.js';

export interface Moment {
  /** Since the page began to count. */
  readonly seconds: number;
  /** Whether the late series are there. */
  readonly late: boolean;
  /**
   * Stamps the counters, in milliseconds since the epoch. Then value and time belong together exactly, however late a
   * busy machine scrapes the page, and a rate over them is exact too.
   */
  readonly stamp?: number;
}

/** A page whose counters count: its text at a moment, null while the target is down. */
export function livingPage(target: GoldenTarget): (moment: Moment) => string | null {
  const text = pageOf(target);
  if (text === null) return () => null;
  const lines = text.split('\n');
  return (moment) => lines.flatMap((line) => lineAt(line, target, moment)).join('\n');
}

function lineAt(
  line: string,
  { rates, late }: GoldenTarget,
  { seconds, late: shown, stamp }: Moment,
): string[] {
  const end = line.lastIndexOf(' ');
  const series = line.slice(0, end);
  if (late.includes(series)) return shown ? [line] : [];
  const rate = rates[series];
  if (rate === undefined) return [line];
  const value = Number(line.slice(end + 1)) + rate * seconds;
  return [stamp === undefined ? `${series} ${value}` : `${series} ${value} ${stamp}`];
}
