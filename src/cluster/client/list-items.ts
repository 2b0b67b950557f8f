import { ApiFailure } from './failure.js';
import { record, type Json, type JsonRecord } from '../objects/json.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

/** etcd holds no object above 1.5 MB; JSON makes at most a few times that of it. */
const LONGEST_ITEM = 16 * 1024 * 1024;
const LONGEST_ENVELOPE = 1024 * 1024;
const DROPPED = Buffer.from('managedFields');
const NULL = Buffer.from('null');

/** Depths inside a list: its root object, the array of items, an item's metadata (root, array, item, metadata). */
const ROOT = 1;
const ITEMS = 2;
const METADATA = 4;

/** Where the bytes go. */
type Part = 'envelope' | 'between' | 'item' | 'dropped';

/**
 * Takes a Kubernetes list apart while it arrives, so that no more than one item is in memory as JSON: a list of 50 000 pods
 * is 300 MB, and parsing a page of 500 at once holds the event loop for tens of milliseconds. The items' managedFields,
 * up to half of the bytes, are never parsed.
 */
export class ListItems {
  readonly #onItem: (item: JsonRecord) => void;
  readonly #envelope: Buffer[] = [];
  #envelopeBytes = 0;
  #item: Buffer[] = [];
  #itemBytes = 0;
  #part: Part = 'envelope';
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** How much of `managedFields` the string at hand has matched; negative: it is another. */
  #matched = -1;
  /** The last string was `managedFields`, in an item's metadata. */
  #isDropped = false;
  #chunk: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(onItem: (item: JsonRecord) => void) {
    this.#onItem = onItem;
  }

  /** @throws ApiFailure `garbage` */
  add(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) this.#stringByte(byte);
      else this.#plainByte(byte, at);
    }
    this.#keep(chunk.length);
  }

  /** The list without its items. @throws ApiFailure `garbage` when it is not whole, or no list */
  end(): JsonRecord {
    if (this.#depth !== 0 || this.#inString) throw garbage('a list that breaks off');
    const envelope = parsed(this.#envelope);
    const { items } = envelope;
    if (items !== null && !Array.isArray(items)) throw garbage('an answer that is no list');
    return envelope;
  }

  #stringByte(byte: number): void {
    if (this.#escaped) {
      this.#escaped = false;
    } else if (byte === BACKSLASH) {
      this.#escaped = true;
      this.#matched = -1;
    } else if (byte === QUOTE) {
      this.#inString = false;
      this.#isDropped = this.#depth === METADATA && this.#matched === DROPPED.length;
    } else if (this.#matched >= 0) {
      this.#matched = byte === DROPPED[this.#matched] ? this.#matched + 1 : -1;
    }
  }

  #plainByte(byte: number, at: number): void {
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        this.#matched = 0;
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#open(byte, at);
        this.#isDropped = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#close(at);
        this.#isDropped = false;
        break;
      case COMMA:
        this.#isDropped = false;
        break;
      default:
    }
  }

  #open(byte: number, at: number): void {
    this.#depth += 1;
    if (this.#part === 'envelope' && this.#depth === ITEMS && byte === OPEN_ARRAY) {
      this.#keep(at + 1);
      this.#part = 'between';
    } else if (this.#part === 'between') {
      this.#part = 'item';
      this.#start = at;
    } else if (this.#part === 'item' && this.#isDropped) {
      this.#keep(at);
      this.#part = 'dropped';
    }
  }

  #close(at: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw garbage('a bracket too many');
    if (this.#part === 'between' && this.#depth === ROOT) {
      this.#part = 'envelope';
      this.#start = at;
    } else if (this.#part === 'dropped' && this.#depth === METADATA) {
      this.#part = 'item';
      this.#item.push(NULL);
      this.#start = at + 1;
    } else if (this.#part === 'item' && this.#depth === ITEMS) {
      this.#keep(at + 1);
      this.#part = 'between';
      const item = this.#item;
      this.#item = [];
      this.#itemBytes = 0;
      this.#onItem(parsed(item));
    }
  }

  /** Puts what has come of the chunk where it belongs. */
  #keep(end: number): void {
    const length = end - this.#start;
    if (length <= 0) return;
    if (this.#part === 'item') {
      this.#itemBytes += length;
      if (this.#itemBytes > LONGEST_ITEM) throw garbage(`an object of more than ${LONGEST_ITEM} bytes`);
      this.#item.push(this.#chunk.subarray(this.#start, end));
    } else if (this.#part === 'envelope') {
      this.#envelopeBytes += length;
      if (this.#envelopeBytes > LONGEST_ENVELOPE) throw garbage('an answer that is no list');
      this.#envelope.push(this.#chunk.subarray(this.#start, end));
    }
    this.#start = end;
  }
}

/** Where to go on with a list, and from where to watch it. */
export interface ListPage {
  readonly resourceVersion: string | null;
  /** Null: this was the last page. */
  readonly next: string | null;
}

export function pageOf(envelope: JsonRecord): ListPage {
  const { resourceVersion, continue: next } = record(envelope['metadata']);
  return {
    resourceVersion: typeof resourceVersion === 'string' && resourceVersion !== '' ? resourceVersion : null,
    next: typeof next === 'string' && next !== '' ? next : null,
  };
}

function parsed(parts: readonly Buffer[]): JsonRecord {
  const [only] = parts;
  const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  try {
    return record(JSON.parse(bytes.toString('utf8')) as Json);
  } catch {
    throw garbage('an answer that is not JSON');
  }
}

export function garbage(what: string): ApiFailure {
  return new ApiFailure('garbage', `the API server sent ${what}`);
}
