import { garbage } from './list-items.js';

const NEWLINE = 0x0a;
const LONGEST = 16 * 1024 * 1024;

/** Cuts a stream into its lines. What follows the last newline is no line yet. */
export class Lines {
  #held: Buffer[] = [];
  #length = 0;

  /** @throws ApiFailure `garbage` when a line does not end */
  add(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  /** Whether a line has begun and not ended. */
  get isOpen(): boolean {
    return this.#length > 0;
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#held.push(part);
    this.#length += part.length;
    if (this.#length > LONGEST) throw garbage(`a line of more than ${LONGEST} bytes`);
  }

  #take(): string {
    const [only] = this.#held;
    const whole = this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
    this.#held = [];
    this.#length = 0;
    return whole.toString('utf8');
  }
}
