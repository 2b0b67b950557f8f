import { createForecastMemory, type ForecastMemory } from './memory.js';

/** A memory as JSON: columns of numbers as base64 of their bytes, in the byte order of the machine (little-endian on all that Node runs on today but s390x). */
export type Snapshot = { readonly [field: string]: Snapshot | Packed | number | boolean | null };

interface Packed {
  readonly column: string;
  readonly bytes: string;
}

/** Changes when a memory's figures come to mean something else; a change of its shape is seen without. */
export const SNAPSHOT_VERSION = 1;

type Column =
  Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint32Array | Uint16Array | Uint8Array;

export function encodeMemory(memory: ForecastMemory): Snapshot {
  return encoded(memory);
}

function encoded(from: object): Snapshot {
  const entries = Object.entries(from).map(([field, value]: [string, unknown]) => [
    field,
    encodedField(value),
  ]);
  return Object.fromEntries(entries) as Snapshot;
}

function encodedField(value: unknown): Snapshot | Packed | number | boolean | null {
  if (isColumn(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const bytes = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    return { column: nameOf(value), bytes };
  }
  return typeof value === 'object' && value !== null ? encoded(value) : (value as number | boolean | null);
}

/**
 * The memory that a snapshot is of. Every field is held against a new memory: the same fields, columns of the same kind
 * and length, finite numbers (or null where a new one has null) and booleans.
 *
 * @returns what is wrong with it, as `field: what was expected`, where it is none that this version has written
 */
export function decodeMemory(snapshot: unknown, maxReplicas: number): ForecastMemory | string {
  const memory = createForecastMemory(maxReplicas);
  return filled(memory, snapshot, '') ?? memory;
}

/** Fills what is there; null when all of it fitted. */
function filled(into: object, from: unknown, path: string): string | null {
  const where = path === '' ? 'the memory' : path;
  if (typeof from !== 'object' || from === null || Array.isArray(from)) return `${where}: expected fields`;
  const given = new Map<string, unknown>(Object.entries(from));
  const target = into as Record<string, unknown>;
  for (const field of given.keys())
    if (!Object.hasOwn(into, field)) return `${where}: unknown field ${field}`;
  for (const [field, fresh] of Object.entries(target)) {
    const at = path === '' ? field : `${path}.${field}`;
    const value = given.get(field);
    const fault = isColumn(fresh)
      ? filledColumn(fresh, value, at)
      : typeof fresh === 'object' && fresh !== null
        ? filled(fresh, value, at)
        : filledPlain(target, field, value, at);
    if (fault !== null) return fault;
  }
  return null;
}

function filledPlain(
  into: Record<string, unknown>,
  field: string,
  value: unknown,
  at: string,
): string | null {
  const fresh = into[field];
  const fits =
    typeof fresh === 'boolean'
      ? typeof value === 'boolean'
      : Number.isFinite(value) || (value === null && fresh === null);
  if (!fits) return `${at}: expected a ${typeof fresh === 'boolean' ? 'boolean' : 'number'}`;
  into[field] = value;
  return null;
}

function filledColumn(into: Column, packed: unknown, at: string): string | null {
  const { column, bytes } = { ...(packed as Partial<Packed> | null) };
  const read = typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : null;
  if (column !== nameOf(into) || read?.length !== into.byteLength)
    return `${at}: expected ${into.length} numbers of a ${nameOf(into)}`;
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(read);
  return hasFinite(into) ? null : `${at}: expected finite numbers`;
}

/** Whole numbers are; the loop is plain because a start reads 10 000 memories. */
function hasFinite(column: Column): boolean {
  if (!(column instanceof Float32Array || column instanceof Float64Array)) return true;
  for (let i = 0; i < column.length; i += 1) if (!Number.isFinite(column[i])) return false;
  return true;
}

function isColumn(value: unknown): value is Column {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function nameOf(column: Column): string {
  return column.constructor.name;
}
