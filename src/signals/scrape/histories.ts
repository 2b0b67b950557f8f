import type { Needs } from './needs.js';
import { withPage, type History, type Page } from './snapshots.js';

/** The histories of all targets, by URL, within a bound. */
export interface Histories {
  /** The target's history with this page; null, and nothing kept, when the target holds more than its share. */
  add(url: string, page: Page, needs: Needs): History | null;
  /** Forgets other targets; the bound is shared between these. */
  keepOnly(urls: ReadonlySet<string>): void;
}

/**
 * @param most series of all pages together, earlier ones included (some 300 bytes each). Once there are more, a target
 *   with more than its equal share of them is refused: pods with endless metrics, which any tenant may run, cost
 *   neither the memory nor the place of others. So no more than twice as many are held.
 */
export function createHistories(most: number): Histories {
  const histories = new Map<string, History>();
  let total = 0;
  let targets = 1;

  function remove(url: string): void {
    total -= size(histories.get(url));
    histories.delete(url);
  }

  return {
    add(url, page, needs) {
      const history = withPage(histories.get(url) ?? null, page, needs);
      remove(url);
      const held = size(history);
      if (total + held > most && held > most / targets) return null;
      total += held;
      histories.set(url, history);
      return history;
    },
    keepOnly(urls) {
      targets = Math.max(1, urls.size);
      for (const url of histories.keys()) if (!urls.has(url)) remove(url);
    },
  };
}

function size(history: History | undefined): number {
  if (history === undefined) return 0;
  return history.earlier.reduce((sum, { points }) => sum + points.size, history.page.samples.length);
}
