import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type ScalarTag,
} from 'yaml';

/** Both count from 1, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Keys and list indices from the object's root: `['spec', 'triggers', 0, 'metadata', 'query']`. */
export type Path = readonly (string | number)[];

/** One Kubernetes object of a file, with the way back to its lines. */
export interface LocatedObject {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the key or list item at the path begins; of a path that is not there, its nearest ancestor. */
  readonly lineOf: (path: Path) => Position;
  /** The scalar at the path as it is written, without quotes; null where there is none. */
  readonly textOf: (path: Path) => string | null;
}

export interface SyntaxFault extends Position {
  readonly message: string;
}

export interface Documents {
  readonly objects: readonly LocatedObject[];
  readonly faults: readonly SyntaxFault[];
}

/**
 * kubectl reads YAML 1.1 booleans: an unquoted `on` becomes `true`, and the API server then refuses it where a string
 * is due, as in a trigger's metadata. (`y` and `n` are left alone: versions differ.)
 */
const oldBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|on)/i.test(text),
};

/** Splits a file into its objects, those of a `kind: List` included. Never throws. */
export function readDocuments(text: string): Documents {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    merge: true,
    logLevel: 'error',
    customTags: (tags) => [oldBoolean, ...tags],
  });
  const objects: LocatedObject[] = [];
  const faults: SyntaxFault[] = [];
  for (const document of Array.isArray(parsed) ? (parsed as Document.Parsed[]) : []) {
    const [error] = document.errors;
    const content = error === undefined ? contentOf(document) : null;
    // The first error of a document explains those after it.
    if (error !== undefined) {
      faults.push({ ...position(lines, error.pos[0]), message: firstLine(error.message) });
    } else if (content?.fault !== undefined) {
      faults.push({ ...position(lines, document.contents?.range?.[0] ?? 0), message: content.fault });
    } else {
      objects.push(...objectsIn(content?.value, document, lines));
    }
  }
  return { objects, faults };
}

/** Turning a tree into values can still fail: on aliases that multiply without bound. */
function contentOf(document: Document.Parsed): { value?: unknown; fault?: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { fault: error instanceof Error ? firstLine(error.message) : 'unreadable' };
  }
}

function objectsIn(value: unknown, document: Document.Parsed, lines: LineCounter): LocatedObject[] {
  if (!isRecord(value)) return [];
  const { kind, items } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item: unknown, index) =>
      isRecord(item) ? [located(item, ['items', index], document, lines)] : [],
    );
  }
  return [located(value, [], document, lines)];
}

function located(
  value: Readonly<Record<string, unknown>>,
  root: Path,
  document: Document.Parsed,
  lines: LineCounter,
): LocatedObject {
  const walk = (path: Path): Step => stepTo([...root, ...path], document);
  return {
    value,
    lineOf: (path) => position(lines, walk(path).offset),
    textOf: (path) => {
      const { node, complete } = walk(path);
      return complete && isScalar(node) ? (node.source ?? String(node.value)) : null;
    },
  };
}

interface Step {
  readonly node: Node | null;
  readonly offset: number;
  /** Whether the whole path is there. */
  readonly complete: boolean;
}

function stepTo(path: Path, document: Document.Parsed): Step {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    const next = child(resolved(node, document), part);
    if (next === null) return { node, offset, complete: false };
    ({ node, offset } = next);
  }
  return { node: resolved(node, document), offset, complete: true };
}

function child(node: Node | null, part: string | number): { node: Node | null; offset: number } | null {
  if (isSeq<Node>(node) && typeof part === 'number') {
    const item = node.items[part];
    return item === undefined ? null : { node: item, offset: item.range?.[0] ?? 0 };
  }
  if (!isMap<Node, Node | null>(node)) return null;
  // A key that came by `<<` is not among the items: its place is the mapping that merges it.
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair === undefined ? null : { node: pair.value, offset: pair.key.range?.[0] ?? 0 };
}

function resolved(node: Node | null, document: Document.Parsed): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The parser's message goes on with an excerpt of the file. */
function firstLine(message: string): string {
  const [first = message] = message.split('\n', 1);
  return first.replace(/ at line \d+, column \d+:?$/, '');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
