/** As much of a logger as the watches need; pino is one. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}
