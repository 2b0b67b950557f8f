import { QueryFault } from './fault.js';

/**
 * Between two elements of a vector. These bytes cannot stand inside a JSON string, where a quote is escaped, and the
 * label set's own opening brace follows a colon, not `},`.
 */
const BOUNDARY = Buffer.from('},{"metric":');
/** Where the array of elements begins. */
const OPENING = Buffer.from('[{"metric":');
/** Handed on at a time: about 500 elements, well under a millisecond. Also the most that one element may take. */
const BATCH_BYTES = 64 * 1024;
/** A body without boundaries, such as JSON that a proxy has indented, is parsed in one go up to this size. */
const WHOLE_BYTES = 1024 * 1024;

export interface VectorStream {
  /** @throws QueryFault when the body is too large or is no vector */
  push(chunk: Buffer): void;
  /**
   * The answer's outermost object. Its `data.result` holds the elements that have not been given to `take` yet.
   *
   * @throws QueryFault when the body ended too early
   */
  end(): unknown;
}

/**
 * Reads the body of an instant query as it arrives, so that neither the text nor one long parse of it is ever whole in
 * memory: 13 MB parsed at once would stop every RPC of the server meanwhile.
 *
 * @param take is given whole elements, as `parseElements` reads them; the bytes are its own only until it returns
 */
export function createVectorStream(maxBytes: number, take: (elements: Buffer) => void): VectorStream {
  let total = 0;
  /** The answer up to and with the bracket that opens the elements, once the first boundary has been seen. */
  let head: Buffer | null = null;
  let chunks: Buffer[] = [];
  let size = 0;
  /** Small chunks are collected up to here, so that a body in tiny pieces is not copied over and over. */
  let examineAt = BATCH_BYTES;

  function keep(rest: Buffer): void {
    chunks = [rest];
    size = rest.length;
  }

  function examine(): void {
    let text = Buffer.concat(chunks);
    if (head === null) {
      const opened = openingOf(text);
      if (opened === null) {
        if (size > WHOLE_BYTES)
          throw unusable(`more than ${WHOLE_BYTES} bytes that are not a compact vector`);
        keep(text);
        examineAt = size + BATCH_BYTES;
        return;
      }
      head = text.subarray(0, opened);
      text = text.subarray(opened);
      examineAt = BATCH_BYTES;
    }
    while (text.length >= BATCH_BYTES) {
      const cut = text.lastIndexOf(BOUNDARY, BATCH_BYTES - BOUNDARY.length);
      if (cut === -1) throw unusable(`one element has more than ${BATCH_BYTES} bytes`);
      take(text.subarray(0, cut + 1));
      text = text.subarray(cut + 2);
    }
    keep(text);
  }

  return {
    push(chunk) {
      total += chunk.length;
      if (total > maxBytes)
        throw unusable(`more than ${maxBytes} bytes; ask for fewer series or raise the limit`);
      chunks.push(chunk);
      size += chunk.length;
      if (size >= examineAt) examine();
    },
    end: () => parsed(Buffer.concat(head === null ? chunks : [head, ...chunks]).toString('utf8')),
  };
}

/** The position after the bracket that opens the elements; null while no boundary is in sight. */
function openingOf(text: Buffer): number | null {
  const boundary = text.indexOf(BOUNDARY);
  if (boundary === -1) return null;
  const opening = text.indexOf(OPENING);
  if (opening === -1 || opening > boundary) throw unusable('it is not an answer of /api/v1/query');
  return opening + 1;
}

/**
 * Elements as `take` is given them: compact JSON, separated by commas, without the brackets around them.
 *
 * @throws QueryFault when they are no JSON
 */
export function parseElements(text: Buffer): unknown[] {
  return parsed(`[${text.toString('utf8')}]`) as unknown[];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw unusable('it is not JSON, or it ends too early');
  }
}

function unusable(what: string): QueryFault {
  return new QueryFault('unusable', `cannot use the answer: ${what}`);
}
