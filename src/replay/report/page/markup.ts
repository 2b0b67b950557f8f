/** Markup that is safe to write into a page. Only the tag below makes it. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly Markup[] | null;

/** A template whose values are text and are escaped, unless they are markup of this tag's making. Null writes nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return {
    markup: parts.map((part, index) => (index === 0 ? part : written(values[index - 1]) + part)).join(''),
  };
}

/** A text of ours as it is: a style sheet or a script. Nothing that came from outside. */
export function verbatim(text: string): Markup {
  return { markup: text };
}

function written(value: Value | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  return 'markup' in value ? value.markup : value.map((each) => each.markup).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in either kind of quotes. */
export function escaped(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '');
}

/** Without controls, and without the marks that turn text around: a name could show as another. */
function visible(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '');
}

/**
 * Data for a script element: no text in it can end the element or begin a comment. Numbers are rounded to five digits,
 * which is finer than a screen, and halves the page.
 */
export function jsonIn(data: unknown): Markup {
  const text = JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === 'string') return visible(value);
    return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  });
  return { markup: text.replaceAll('<', String.raw`\u003c`) };
}
