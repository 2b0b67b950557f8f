/** Anything that JSON.parse gives: what comes from the API server is checked where it is used. */
export type Json = unknown;
export type JsonRecord = Readonly<Record<string, Json>>;

const NOTHING: JsonRecord = {};

/** Empty for anything but an object. */
export function record(value: Json): JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonRecord)
    : NOTHING;
}

/** Empty for anything but an array. */
export function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Null for anything but a string that is not empty. */
export function text(value: Json): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function wholeNumber(value: Json): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

/** A moment as the API server writes it, to the second or microsecond; null for anything else. */
export function moment(value: Json): number | null {
  if (typeof value !== 'string') return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
}

/** The entries whose values are strings. */
export function strings(value: Json): Readonly<Record<string, string>> {
  const entries = Object.entries(record(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}
