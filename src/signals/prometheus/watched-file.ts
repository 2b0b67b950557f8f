import { readFile, stat } from 'node:fs/promises';
import { SECOND, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';

/** A small file that others rewrite while we run: a token, a password, a certificate. */
export interface WatchedFile {
  readonly path: string;
  /** The contents, looked at again at most once a second. @throws Error when it has never been readable */
  read(): Promise<string>;
  /** Why the contents in use may be old, or null. */
  problem(): string | null;
}

/** How often the file's metadata is looked at, on use. */
const LOOK_EVERY: Millis = SECOND;

/**
 * Kubernetes swaps a mounted Secret by renaming a link, and a token file may be gone or empty for a moment while it
 * is rewritten: the last good contents stand until there are new ones.
 */
export function watchFile(path: string, clock: Clock): WatchedFile {
  let good: string | null = null;
  let seen = '';
  let lookedAt: Millis | null = null;
  let trouble: string | null = null;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version !== seen) {
        const text = await readFile(path, 'utf8');
        if (text.trim() === '') throw new Error('the file is empty');
        good = text;
        seen = version;
      }
      trouble = null;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      trouble = `cannot read ${path}: ${code ?? message}${good === null ? '' : '; its last contents stay in use'}`;
    }
  }

  function due(now: Millis): boolean {
    return good === null || lookedAt === null || now - lookedAt >= LOOK_EVERY || now < lookedAt;
  }

  return {
    path,
    async read() {
      const now = clock.now();
      if (looking === null && due(now)) {
        lookedAt = now;
        looking = look().finally(() => {
          looking = null;
        });
      }
      await looking;
      if (good === null) throw new Error(trouble ?? `cannot read ${path}`);
      return good;
    },
    problem: () => trouble,
  };
}
