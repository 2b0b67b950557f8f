import type { z } from 'zod';
import { isRecord, readDocuments, type LocatedObject, type Path, type Position } from './documents.js';
import { scaledObjectSchema, type ScaledObject } from './scaled-object.js';

/** A ScaledObject of a file. */
export interface Manifest {
  readonly file: string;
  /** `namespace/name`; the namespace is `default` where the manifest leaves it to kubectl. */
  readonly object: string;
  readonly scaledObject: ScaledObject;
  /** Where the key or list item at the path begins; of a path that is not there, its nearest ancestor. */
  readonly lineOf: (path: Path) => Position;
}

/** Something that kubectl or the API server would refuse. */
export interface ManifestProblem extends Position {
  readonly file: string;
  /** `namespace/name` as far as it can be read; empty for a document that is no YAML. */
  readonly object: string;
  /** What is wrong and what was expected, without the place. */
  readonly message: string;
}

export interface ParsedManifests {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly ManifestProblem[];
  /** How many other objects the file holds. */
  readonly others: number;
}

/**
 * The ScaledObjects of a YAML file of any number of documents, those inside a `kind: List` included; other objects are
 * passed over. Strict about the types of the fields it knows, silent about fields it does not know. Never throws.
 */
export function parseManifests(text: string, file: string): ParsedManifests {
  const { objects, faults } = readDocuments(text);
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = faults.map(({ line, column, message }) => ({
    file,
    line,
    column,
    object: '',
    message: `not YAML that kubectl can read: ${message}${templateHint(text)}`,
  }));
  const candidates = objects.filter(({ value }) => isScaledObject(value));
  for (const candidate of candidates) {
    const parsed = scaledObjectSchema.safeParse(withoutNulls(candidate.value));
    const object = nameOf(candidate.value);
    if (parsed.success) {
      manifests.push({ file, object, scaledObject: parsed.data, lineOf: candidate.lineOf });
    } else {
      problems.push(...parsed.error.issues.map((issue) => typeProblem(issue, candidate, file, object)));
    }
  }
  return { manifests, problems, others: objects.length - candidates.length };
}

function isScaledObject(value: LocatedObject['value']): boolean {
  return value['kind'] === 'ScaledObject' && value['apiVersion'] === 'keda.sh/v1alpha1';
}

function nameOf(value: LocatedObject['value']): string {
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const word = (given: unknown, otherwise: string) =>
    typeof given === 'string' && given !== '' ? given : otherwise;
  return `${word(metadata['namespace'], 'default')}/${word(metadata['name'], '(no name)')}`;
}

/** The API server drops every field that is null (apiextensions-apiserver, defaulting/prunenulls.go). */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const given = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(given.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function typeProblem(
  issue: z.core.$ZodIssue,
  candidate: LocatedObject,
  file: string,
  object: string,
): ManifestProblem {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const value = valueAt(candidate.value, path);
  const written = candidate.textOf(path);
  // `burst: on` is the commonest of all: it needs its quotes.
  const isUnquoted = issue.message === 'a string' && typeof value !== 'object';
  const hint = isUnquoted && written !== null ? `: write "${written}", in quotes` : '';
  const message = `${inDots(path)}: got ${shown(value, written)}, expected ${issue.message}${hint}`;
  return { file, ...candidate.lineOf(path), object, message };
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isRecord(value) && Object.hasOwn(value, part)) value = value[part];
    else return undefined;
  }
  return value;
}

function shown(value: unknown, written: string | null): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a mapping';
  const excerpt = (written ?? JSON.stringify(value)).slice(0, 60);
  return typeof value === 'string' ? `"${excerpt}"` : `the ${typeof value} ${excerpt}`;
}

/** `spec.triggers[0].metadata.query` */
function inDots(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

function templateHint(text: string): string {
  return text.includes('{{') ? ' (a template? render it first: helm template)' : '';
}
