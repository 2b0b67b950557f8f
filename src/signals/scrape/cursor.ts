/** Where a line is being read. `end` is after its last character that is not blank. */
export interface Cursor {
  readonly text: string;
  at: number;
  readonly end: number;
}

/** What was expected, and where. Never leaves this folder: the reader turns it into a `malformed` page. */
export class LineFault extends Error {
  readonly at: number;

  /** @param expected holds nothing of the page: it may be another tenant's, and the message is shown to all */
  constructor(expected: string, at: number) {
    super(expected);
    this.at = at;
  }
}

const TAB = 9;
const SPACE = 32;
const COLON = 58;
const BACKSLASH = 92;
const UNDERSCORE = 95;
export const QUOTE = 34;
export const HASH = 35;
export const COMMA = 44;
export const EQUALS = 61;
export const BRACE_OPEN = 123;
export const BRACE_CLOSE = 125;

/** NaN at the end of the line, which equals no character. */
export function peek(cursor: Cursor): number {
  return cursor.at < cursor.end ? cursor.text.charCodeAt(cursor.at) : Number.NaN;
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function skipBlanks(cursor: Cursor): void {
  while (isBlank(peek(cursor))) cursor.at += 1;
}

/** The characters up to the next blank; moves past the blanks around them. */
export function readToken(cursor: Cursor): string {
  skipBlanks(cursor);
  const start = cursor.at;
  while (cursor.at < cursor.end && !isBlank(peek(cursor))) cursor.at += 1;
  const token = cursor.text.slice(start, cursor.at);
  skipBlanks(cursor);
  return token;
}

/** A metric's name, or with `colons` false a label's; empty where there is none. */
export function readName(cursor: Cursor, colons: boolean): string {
  const start = cursor.at;
  let at = start;
  for (; at < cursor.end; at += 1) {
    const code = cursor.text.charCodeAt(at);
    const inName =
      isLetter(code) || code === UNDERSCORE || (colons && code === COLON) || (at > start && isDigit(code));
    if (!inName) break;
  }
  cursor.at = at;
  return cursor.text.slice(start, at);
}

/** Only `\\`, `\"` and `\n` are escapes; a backslash before anything else is a backslash, as Prometheus reads it. */
export function readQuoted(cursor: Cursor): string {
  const start = cursor.at + 1;
  let escaped = false;
  for (let at = start; at < cursor.end; at += 1) {
    const code = cursor.text.charCodeAt(at);
    if (code === BACKSLASH) {
      escaped = true;
      at += 1;
    } else if (code === QUOTE) {
      cursor.at = at + 1;
      const raw = cursor.text.slice(start, at);
      return escaped ? unescaped(raw) : raw;
    }
  }
  throw new LineFault('a closing double quote', cursor.end);
}

function unescaped(raw: string): string {
  return raw.replace(/\\([\\"n])/g, (_, escape: string) => (escape === 'n' ? '\n' : escape));
}

/** Whether the line's last token ends as a number does: a digit, or the end of `1.`, `NaN`, `+Inf` and the like. */
export function endsInNumber({ text, end }: Cursor): boolean {
  if (isDigit(text.charCodeAt(end - 1))) return true;
  return /(?:^|[\s}])(?:\d+\.|[-+]?(?:nan|inf|infinity))$/i.test(text.slice(Math.max(0, end - 12), end));
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
