import { parser } from '@prometheus-io/lezer-promql';

export interface LabelValue {
  /** A label's name; the caller's own word, not a tenant's. */
  readonly label: string;
  readonly value: string;
}

export type Confined =
  { readonly ok: true; readonly query: string } | { readonly ok: false; readonly why: string };

/** Gives up at the first fault, where the default would look for a tree that fits best. */
const strictParser = parser.configure({ strict: true });

const LONGEST = 4096;
const MOST_SELECTORS = 50;

/**
 * A tenant's PromQL with `label="value"` added to every selector, so that it sees that namespace's series and no
 * others, whatever it asks for. Matchers on the same label that are there already stay: all of them must hold.
 *
 * What is confined is a parse tree of a grammar that is not Prometheus's own, so everything on which the two could
 * split the text differently is refused or removed: comments (Prometheus ends one at a carriage return, this grammar
 * does not), control characters, strings that are not closed, and whatever does not parse. `info()` is refused since it
 * looks up series that no selector names.
 */
export function confineQuery(query: string, matcher: LabelValue): Confined {
  const unfit = unfitText(query);
  if (unfit !== null) return { ok: false, why: unfit };
  const tree = parsed(query);
  if (typeof tree === 'string') return { ok: false, why: tree };
  const edits: Edit[] = [];
  const text = `${matcher.label}="${escaped(matcher.value)}"`;
  let selectors = 0;
  let why: string | null = null;
  tree.iterate({
    enter({ type, from, to, node }) {
      if (why !== null) return false;
      why = faultOf(type, query, from, to);
      if (type.name === 'LineComment') edits.push({ from, to, text: '' });
      if (type.name !== 'VectorSelector') return undefined;
      selectors += 1;
      if (selectors > MOST_SELECTORS) why = `more than ${MOST_SELECTORS} selectors ${place(query, from)}`;
      edits.push(addition(node.getChild('LabelMatchers')?.from ?? null, to, text));
      return undefined;
    },
  });
  return why === null ? { ok: true, query: edited(query, edits) } : { ok: false, why };
}

interface NodeKind {
  readonly name: string;
  readonly isError: boolean;
}

function faultOf(type: NodeKind, query: string, from: number, to: number): string | null {
  // Strict parsing leaves errors in the tree only where it has cut off nesting that is too deep.
  if (type.isError) return `not valid PromQL ${place(query, from)}`;
  if (type.name === 'Info') return `info() ${place(query, from)} cannot be confined to a namespace`;
  if (type.name === 'StringLiteral' && !STRING.test(query.slice(from, to)))
    return `not a complete PromQL string ${place(query, from)}`;
  return null;
}

/** The tree, or where the query stops being PromQL. */
function parsed(query: string): ReturnType<typeof parser.parse> | string {
  try {
    return strictParser.parse(query);
  } catch (error) {
    const at = /\d+$/.exec((error as Error).message);
    return `not valid PromQL ${at === null ? '' : place(query, Number(at[0]))}`.trimEnd();
  }
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The matcher goes first; a comma may also stand before a closing brace. */
function addition(brace: number | null, end: number, text: string): Edit {
  if (brace === null) return { from: end, to: end, text: `{${text}}` };
  return { from: brace + 1, to: brace + 1, text: `${text},` };
}

function edited(query: string, edits: Edit[]): string {
  let result = '';
  let done = 0;
  for (const { from, to, text } of edits.sort((a, b) => a.from - b.from || a.to - b.to)) {
    result += query.slice(done, from) + text;
    done = to;
  }
  return result + query.slice(done);
}

/** As Prometheus reads them: quoted with Go's escapes and on one line, or raw between backquotes. */
const ESCAPE = String.raw`\\(?:[abfnrtv\\Q]|x[\da-fA-F]{2}|[0-7]{3}|u[\da-fA-F]{4}|U[\da-fA-F]{8})`;
const STRING = new RegExp(
  ['"', "'"]
    .map((quote) => `^${quote}(?:[^${quote}\\\\\\n]|${ESCAPE.replace('Q', quote)})*${quote}$`)
    .join('|') + '|^`[^`]*`$',
);

function unfitText(query: string): string | null {
  if (query.length > LONGEST) return `longer than ${LONGEST} characters`;
  // Space, tab and line feed are white space to both parsers; every other control is refused, even in strings.
  const control = query.search(/[^\P{Cc}\t\n]/u);
  return control === -1 ? null : `a control character ${place(query, control)}`;
}

function escaped(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}

/** Where in the query, counted from 1, with what stands there. */
function place(query: string, at: number): string {
  const rest = query
    .slice(at, at + 20)
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
    .trim();
  return `at character ${at + 1} ${rest === '' ? '(its end)' : `(${JSON.stringify(rest)})`}`;
}
