import type { Readable } from 'node:stream';

/**
 * The lines of a stream of UTF-8, as many at once as have come, so that whoever answers them can answer them together.
 * Ends are LF or CRLF; what stands after the last one is a line too. A byte order mark at the start is dropped.
 *
 * @param longest a longer line is cut to this many characters and one more
 */
export async function* linesOf(stream: Readable, longest: number): AsyncGenerator<string[]> {
  stream.setEncoding('utf8');
  let rest = '';
  let isFirst = true;
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = `${rest}${isFirst ? chunk.replace(/^\uFEFF/, '') : chunk}`.split('\n');
    isFirst = false;
    rest = cut(lines.pop() ?? '', longest);
    if (lines.length > 0) yield lines.map((line) => cut(withoutReturn(line), longest));
  }
  if (rest !== '') yield [withoutReturn(rest)];
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function cut(line: string, longest: number): string {
  return line.length > longest ? line.slice(0, longest + 1) : line;
}
