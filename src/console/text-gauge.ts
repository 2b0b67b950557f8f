/**
 * A gauge in Prometheus's text format, filled at the scrape: what is gone leaves no series behind. Written straight, since a
 * registry would keep each of the 100 000 series of 10 000 ScaledObjects only to be emptied again.
 */
export class TextGauge {
  readonly #name: string;
  readonly #lines: string[];

  /** @param help one line, without a backslash */
  constructor(name: string, help: string) {
    this.#name = name;
    this.#lines = [`# HELP ${name} ${help}\n# TYPE ${name} gauge\n`];
  }

  /** @param labels as `labelText` writes them; empty: none */
  set(labels: string, value: number): void {
    this.#lines.push(`${this.#name}${labels === '' ? '' : `{${labels}}`} ${value}\n`);
  }

  text(): string {
    return this.#lines.join('');
  }
}

/** Labels as they stand between the braces. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .join(',');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
