export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'duration'; readonly seconds: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'symbol'; readonly text: string };

const SPACE = /(?:\s|#[^\n]*)+/y;
const DURATION = /(?:\d+(?:ms|[smhdwy]))+(?![\w.])/y;
const NUMBER = /(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])/y;
const WORD = /[a-zA-Z_:][\w:]*/y;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;
const SYMBOL = /[=!]~|[=!<>]=|[-+*/%^<>=@(){},[\]]/y;
/** `[5m:]`: a colon begins no metric name inside brackets, where WORD would take it. */
const STEP = /:/y;

const SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** Null where the text is no PromQL, as with a variable that a template still has to fill in. */
export function tokenise(text: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  let inBrackets = false;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined) at += found.length;
    return found ?? null;
  };
  while (at < text.length) {
    if (take(SPACE) !== null) continue;
    const token = nextToken(take, inBrackets);
    if (token === null) return null;
    if (token.kind === 'symbol' && (token.text === '[' || token.text === ']'))
      inBrackets = token.text === '[';
    tokens.push(token);
  }
  return tokens;
}

function nextToken(take: (pattern: RegExp) => string | null, inBrackets: boolean): Token | null {
  const duration = take(DURATION);
  if (duration !== null) return { kind: 'duration', seconds: secondsOf(duration) };
  const number = take(NUMBER);
  if (number !== null) return { kind: 'number', value: Number(number) };
  const text = take(TEXT);
  if (text !== null) return { kind: 'text', value: text.slice(1, -1) };
  const step = inBrackets ? take(STEP) : null;
  if (step !== null) return { kind: 'symbol', text: step };
  const word = take(WORD);
  if (word !== null) return { kind: 'word', text: word };
  const symbol = take(SYMBOL);
  return symbol === null ? null : { kind: 'symbol', text: symbol };
}

function secondsOf(duration: string): number {
  let seconds = 0;
  for (const [, amount, unit = ''] of duration.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    seconds += Number(amount) * (SECONDS[unit] ?? 0);
  }
  return seconds;
}
