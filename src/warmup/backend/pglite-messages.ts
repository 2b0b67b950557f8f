/** What the main thread and PGlite's say to each other. */

export interface ThreadData {
  readonly folder: string;
}

export type Question =
  | {
      readonly kind: 'query';
      readonly number: number;
      readonly text: string;
      readonly params: readonly unknown[];
    }
  | { readonly kind: 'close' };

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'rows'; readonly number: number; readonly rows: readonly unknown[] }
  | {
      readonly kind: 'error';
      readonly number: number;
      readonly message: string;
      readonly code: string | null;
    }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string };
