import { isMap, isScalar, isSeq, parseAllDocuments, Scalar, type Document } from 'yaml';
import { specValue, TuneError } from './knob.js';
import type { Change } from './space.js';

/** A manifest with other values. */
export interface Written {
  /** The whole file. */
  readonly file: string;
  /** The document of the ScaledObject alone. */
  readonly scaledObject: string;
}

/**
 * Writes values into the only ScaledObject of a YAML file and leaves the rest as it was: comments, order, quotes, other
 * documents. What is not there yet comes to the end of its mapping.
 *
 * @param text as `readManifest` accepts it
 * @throws TuneError where a value would have to go into an alias, which others share, or into an empty field
 */
export function withChanges(text: string, changes: readonly Change[]): Written {
  const parsed = parseAllDocuments(text, { merge: true, logLevel: 'error' });
  const documents = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  const options = { lineWidth: 0, indent: indentOf(text), indentSeq: indentsLists(text) };
  let own = '';
  const all = documents.map((document) => {
    const root = rootIn(document);
    if (root !== null) for (const change of changes) write(document, root, change);
    const written = document.toString(options);
    if (root !== null) own = written.replace(/^---\r?\n/, '').replace(/\n\.\.\.\n$/, '\n');
    return written;
  });
  return { file: all.join(''), scaledObject: own };
}

type Root = readonly (string | number)[];

/** Where the ScaledObject is in a document: at the root, or an item of a list. */
function rootIn(document: Document): Root | null {
  if (!isMap(document.contents)) return null;
  if (document.get('kind') === 'ScaledObject') return [];
  const items = document.get('items');
  if (!isSeq(items)) return null;
  const index = items.items.findIndex((item) => isMap(item) && item.get('kind') === 'ScaledObject');
  return index === -1 ? null : ['items', index];
}

function write(document: Document.Parsed, root: Root, { knob, value }: Change): void {
  const path = [...root, ...knob.path];
  const before = document.getIn(path, true);
  const isText = knob.of === 'metadata';
  if (isScalar(before)) {
    before.value = isText ? value : specValue(value);
    // A trigger's metadata is a mapping of strings, and `on` or `2.8` without quotes is none.
    if (isText && before.type !== 'QUOTE_DOUBLE') before.type = Scalar.QUOTE_SINGLE;
    delete before.source;
    return;
  }
  const scalar = new Scalar(isText ? value : specValue(value));
  if (isText) scalar.type = Scalar.QUOTE_SINGLE;
  try {
    document.setIn(path, scalar);
  } catch {
    throw new TuneError(
      `${knob.key}: what holds it in the manifest is empty or an alias (*…); write it out there`,
    );
  }
}

/** Spaces of the first line that has any. */
function indentOf(text: string): number {
  const spaces = /^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2;
  return Math.min(8, Math.max(1, spaces));
}

/** Whether the items of a list stand deeper than its key: kubectl writes them below it, people mostly deeper. */
function indentsLists(text: string): boolean {
  return !/^( *)[\w./-]+:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*\1- /m.test(text);
}
