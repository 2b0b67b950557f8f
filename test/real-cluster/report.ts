/** What was tried, and what came of it: a line each as it happens, and all of it as JSON at the end. */

export interface Outcome {
  readonly part: string;
  readonly name: string;
  readonly kind: 'passed' | 'failed' | 'skipped';
  readonly detail: string;
  readonly seconds: number;
}

/** Thrown by a check that this version of Kubernetes, or of the product, does not let run. */
export class Skip extends Error {}

export class Report {
  readonly outcomes: Outcome[] = [];
  /** Seconds and counts by name. */
  readonly figures: Record<string, number> = {};
  #part = '';

  part(name: string): void {
    this.#part = name;
    console.log(`\n${name}`);
  }

  figure(name: string, value: number): void {
    this.figures[name] = Math.round(value * 100) / 100;
  }

  /** @param attempt resolves with what is worth saying; rejects when the check fails */
  async check(name: string, attempt: () => Promise<string | undefined | void>): Promise<boolean> {
    const began = performance.now();
    let [kind, detail]: [Outcome['kind'], string] = ['passed', ''];
    try {
      detail = (await attempt()) ?? '';
    } catch (error) {
      kind = error instanceof Skip ? 'skipped' : 'failed';
      detail = said(error);
    }
    const seconds = Math.round((performance.now() - began) / 10) / 100;
    this.outcomes.push({ part: this.#part, name, kind, detail, seconds });
    const mark = { passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }[kind];
    console.log(`  ${mark} ${name}${detail === '' ? '' : `: ${detail}`} (${seconds} s)`);
    return kind === 'passed';
  }

  count(kind: Outcome['kind']): number {
    return this.outcomes.filter((each) => each.kind === kind).length;
  }
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`.replaceAll(/\s+/g, ' ').slice(0, 600);
}

/** @throws Error with both values */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const [is, was] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== was) throw new Error(`${what}: got ${is}, expected ${was}`);
}

/** @throws Error with what was found */
export function expectMatch(what: string, actual: string, expected: RegExp): void {
  if (!expected.test(actual)) throw new Error(`${what}: got ${JSON.stringify(actual)}, expected ${expected}`);
}
