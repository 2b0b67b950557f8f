import type { Millis } from '../../core/time.js';
import { parseDuration } from '../../policy/duration.js';
import type { ScrapeExpression, ScrapeForm } from '../../policy/profile.js';

/** What profiles need of a page and of the pages before it. */
export interface Needs {
  /** Names whose series are read from a page. */
  readonly names: ReadonlySet<string>;
  /** Those of them that are compared with earlier pages. */
  readonly compared: ReadonlySet<string>;
  /** How far back the longest comparison goes; 0 when all compare with the scrape before. */
  readonly over: Millis;
}

/** Changes with every process, so that a restart is seen even where its counters have passed the old ones. */
export const PROCESS_START = 'process_start_time_seconds';

export const NO_NEEDS: Needs = { names: new Set([PROCESS_START]), compared: new Set(), over: 0 };

/** What one profile's direct form needs, for its value and its weight. */
export function needsOf(form: ScrapeForm): Needs {
  const names = new Set<string>();
  const compared = new Set<string>();
  let over = 0;
  for (const leaf of [form.value, form.weight].flatMap((part) => (part === undefined ? [] : leaves(part)))) {
    for (const name of leaf.names) names.add(name);
    if (leaf.over === null) continue;
    for (const name of leaf.names) compared.add(name);
    over = Math.max(over, leaf.over);
  }
  return { names, compared, over };
}

/** Both; the same object as `needs` when it already holds all of `more`, so that growth is seen by identity. */
export function withNeeds(needs: Needs, more: Needs): Needs {
  if (covers(needs, more)) return needs;
  return {
    names: new Set([...needs.names, ...more.names]),
    compared: new Set([...needs.compared, ...more.compared]),
    over: Math.max(needs.over, more.over),
  };
}

export function covers(needs: Needs, asked: Needs): boolean {
  return (
    asked.over <= needs.over &&
    [...asked.names].every((name) => needs.names.has(name)) &&
    [...asked.compared].every((name) => needs.compared.has(name))
  );
}

interface Leaf {
  readonly names: readonly string[];
  /** Null when the page alone will do; 0 when the scrape before is enough. */
  readonly over: Millis | null;
}

function leaves(expression: ScrapeExpression): Leaf[] {
  if ('sum' in expression) return [{ names: expression.sum, over: null }];
  if ('mean' in expression) return [{ names: expression.mean, over: null }];
  if ('max' in expression) return [{ names: expression.max, over: null }];
  if ('rate' in expression) return [{ names: expression.rate, over: 0 }];
  if ('delta' in expression) return [{ names: expression.delta, over: overMillis(expression.over) }];
  if ('constant' in expression) return [];
  if ('add' in expression) return expression.add.flatMap(leaves);
  if ('subtract' in expression) return expression.subtract.flatMap(leaves);
  if ('multiply' in expression) return expression.multiply.flatMap(leaves);
  if ('ratio' in expression) return expression.ratio.flatMap(leaves);
  if ('clampMax' in expression) return leaves(expression.clampMax[0]);
  return expression.first.flatMap(leaves);
}

/** The profile's schema has let the duration through; one that is none compares with nothing and has no value. */
export function overMillis(over: string): Millis {
  return parseDuration(over) ?? 0;
}
