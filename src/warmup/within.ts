import type { Millis } from '../core/time.js';

/** What `promise` gives, or a rejection when it takes longer. The work itself goes on. */
export async function within<T>(length: Millis, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${length} ms`)), length);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
