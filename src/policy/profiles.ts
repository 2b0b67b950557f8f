import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { nearest } from './nearest.js';
import { profileSchema, type Profile } from './profile.js';

/** A profile as it lies in a folder. The reading of the folder is the caller's. */
export interface ProfileFile {
  /** Its path: named in errors, and its last part must be the profile's name with `.yaml`. */
  readonly file: string;
  readonly text: string;
}

/** What is wrong with a profile's file. The message has one line for each fault: `file:line: field: what is expected`. */
export class ProfileError extends Error {
  readonly file: string;
  /** Of the first fault, from 1. */
  readonly line: number;

  constructor(file: string, faults: readonly [Fault, ...Fault[]]) {
    super(faults.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
    this.name = 'ProfileError';
    this.file = file;
    this.line = faults[0].line;
  }
}

interface Fault {
  readonly line: number;
  readonly message: string;
}

type Path = readonly PropertyKey[];
/** The line that a field stands on; of its nearest ancestor that is there, when it is missing. */
type LineOf = (path: Path) => number;

interface Parsed {
  readonly file: string;
  readonly profile: Profile;
  readonly lineOf: LineOf;
}

/**
 * Reads one profile.
 *
 * @throws ProfileError when it is not YAML or does not fit the schema
 */
export function parseProfile(text: string, file: string): Profile {
  return parsed({ text, file }).profile;
}

/**
 * Reads all profiles and checks what only shows between them: names are unique and those of their files, and what
 * wakes a workload can be read while it has no pods.
 *
 * @returns the profiles by name, in the order given
 * @throws ProfileError for the first file that is wrong
 */
export function compileProfiles(files: readonly ProfileFile[]): ReadonlyMap<string, Profile> {
  const byName = new Map<string, Parsed>();
  for (const each of files.map(parsed)) {
    checkName(each, byName.get(each.profile.name));
    byName.set(each.profile.name, each);
  }
  for (const each of byName.values()) {
    checkWake(each, byName);
    checkBeside(each);
  }
  return new Map([...byName].map(([name, { profile }]) => [name, profile]));
}

function parsed({ text, file }: ProfileFile): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new ProfileError(file, [{ line, message: `not YAML: ${broken.message}` }]);
  }
  const lineOf: LineOf = (path) => lines.linePos(offsetOf(document, path)).line;
  const result = profileSchema.safeParse(contentOf(document, file));
  if (result.success) return { file, profile: result.data, lineOf };
  const [first, ...others] = result.error.issues.flatMap((issue) => faultsOf(issue, lineOf, []));
  if (first === undefined) throw result.error; // an error without an issue would be a fault of the library
  throw new ProfileError(file, [first, ...others]);
}

function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch {
    throw new ProfileError(file, [{ line: 1, message: 'too many aliases; write the values out' }]);
  }
}

function checkName({ file, profile, lineOf }: Parsed, known: Parsed | undefined): void {
  const line = lineOf(['name']);
  const expected = `${profile.name}.yaml`;
  if (file.split('/').at(-1) !== expected)
    throw new ProfileError(file, [
      { line, message: `name: the file of this profile must be called ${expected}` },
    ]);
  if (known !== undefined)
    throw new ProfileError(file, [{ line, message: `name: ${profile.name} is already in ${known.file}` }]);
}

/** A wake signal is read while the workload has no pods, and once: it cannot be the pods' own nor need another. */
function checkWake({ file, profile, lineOf }: Parsed, byName: ReadonlyMap<string, Parsed>): void {
  if (profile.wake === undefined) return;
  const waking = byName.get(profile.wake)?.profile;
  const reason = wakeFault(profile.wake, waking, byName.keys());
  if (reason !== null) throw new ProfileError(file, [{ line: lineOf(['wake']), message: `wake: ${reason}` }]);
}

/** It is told of pods one by one: it takes series of pods, and a page or a query of the profile's own. */
function checkBeside({ file, profile, lineOf }: Parsed): void {
  const { series, prometheus } = profile;
  if (series === 'pod' && !('fromTrigger' in prometheus)) return;
  for (const key of ['served', 'modelLoad'] as const) {
    if (profile[key] === undefined) continue;
    const message = `${key}: expected only beside a signal of pods whose query is the profile’s own`;
    throw new ProfileError(file, [{ line: lineOf([key]), message }]);
  }
}

function wakeFault(name: string, waking: Profile | undefined, names: Iterable<string>): string | null {
  if (waking === undefined) {
    const near = nearest(name, names);
    return `there is no profile ${name}${near === null ? '' : `; did you mean ${near}?`}`;
  }
  if (waking.series === 'pod')
    return `${name} is reported by the pods, of which there are none at zero replicas`;
  return waking.wake === undefined ? null : `${name} has a wake profile itself; expected one that has none`;
}

function faultsOf(issue: z.core.$ZodIssue, lineOf: LineOf, above: Path): Fault[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const closest = closestForm(issue.errors);
    if (closest !== undefined) return closest.flatMap((inner) => faultsOf(inner, lineOf, path));
  }
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      line: lineOf([...path, key]),
      message: `${written([...path, key])}: unknown field${guess(path, key)}`,
    }));
  return [{ line: lineOf(path), message: `${written(path)}: ${expectation(issue.message)}` }];
}

/**
 * A union says what is wrong with each of its forms. The one that was meant is of the right type and has the fewest
 * faults; and where that one has unknown fields, what it lacks is not what was forgotten but what was misspelt.
 */
function closestForm(forms: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const ofRightType = forms.filter((faults) => !faults.some(isOfAnotherType));
  const [closest] = (ofRightType.length > 0 ? ofRightType : forms).toSorted((a, b) => a.length - b.length);
  const unknown = closest?.filter(({ code }) => code === 'unrecognized_keys') ?? [];
  return unknown.length > 0 ? unknown : closest;
}

function isOfAnotherType({ code, path }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && path.length === 0;
}

function guess(path: Path, key: string): string {
  const near = path.length === 0 ? nearest(key, Object.keys(profileSchema.shape)) : null;
  return near === null ? '' : `; did you mean ${near}?`;
}

/** zod's `Invalid input: expected string, received undefined` without its first words; the schema's own are a noun. */
function expectation(message: string): string {
  const words = /expected .*/s.exec(message)?.[0] ?? `expected ${message}`;
  return words.replace(', received undefined', ', which is missing').replace(', received', ', got');
}

function written(path: Path): string {
  if (path.length === 0) return 'the file';
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
