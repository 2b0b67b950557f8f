import type { Token } from './tokens.js';

/** A place in a list of tokens, moved by those who read. */
export interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
  /** How many expressions enclose this one. */
  depth: number;
}

/** Thrown to leave the descent from wherever it is; the parser catches it. */
export const UNREADABLE = new Error('no PromQL that this parser reads');

export function labelList(cursor: Cursor): string[] {
  return list(cursor, () => {
    const token = next(cursor);
    if (token.kind === 'word') return token.text;
    if (token.kind === 'text') return token.value;
    throw UNREADABLE;
  });
}

export function list<T>(cursor: Cursor, item: () => T): T[] {
  need(cursor, '(');
  const items: T[] = [];
  while (!takeSymbol(cursor, ')')) {
    items.push(item());
    if (!takeSymbol(cursor, ',') && !peekSymbol(cursor, ')')) throw UNREADABLE;
  }
  return items;
}

export function next(cursor: Cursor): Token {
  const token = cursor.tokens[cursor.at];
  if (token === undefined) throw UNREADABLE;
  cursor.at += 1;
  return token;
}

/** Operators are words or symbols; keywords are case-insensitive. */
export function operatorOf(token: Token | undefined): string | null {
  if (token?.kind === 'symbol') return token.text;
  return token?.kind === 'word' ? token.text.toLowerCase() : null;
}

export function peekSymbol(cursor: Cursor, text: string): boolean {
  const token = cursor.tokens[cursor.at];
  return token?.kind === 'symbol' && token.text === text;
}

export function peekWord(cursor: Cursor, word: string): boolean {
  const token = cursor.tokens[cursor.at];
  return token?.kind === 'word' && token.text.toLowerCase() === word;
}

export function takeSymbol(cursor: Cursor, text: string): boolean {
  const found = peekSymbol(cursor, text);
  if (found) cursor.at += 1;
  return found;
}

export function takeWord(cursor: Cursor, word: string): boolean {
  const found = peekWord(cursor, word);
  if (found) cursor.at += 1;
  return found;
}

export function need(cursor: Cursor, symbol: string): void {
  if (!takeSymbol(cursor, symbol)) throw UNREADABLE;
}
