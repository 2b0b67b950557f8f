import { PGlite } from '@electric-sql/pglite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Answer, Question, ThreadData } from './pglite-messages.js';

// PostgreSQL compiled to WebAssembly, in a thread of its own: a statement takes milliseconds, the first start seconds,
// and gRPC calls are answered on the main one meanwhile.

const { folder } = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error('expected to run as a worker thread');
const say = (answer: Answer) => port.postMessage(answer);

const database = await PGlite.create(folder);
database.onNotification((channel, payload) => say({ kind: 'notification', channel, payload }));
// One session for all: what pg would set for each connection is set once.
await database.exec('SET search_path TO bullmq; LISTEN bullmq_jobs; LISTEN bullmq_events');

port.on('message', (question: Question) => {
  void answer(question);
});
say({ kind: 'ready' });

async function answer(question: Question): Promise<void> {
  if (question.kind === 'close') {
    await database.close();
    say({ kind: 'closed' });
    port?.close();
    return;
  }
  const { number, text, params } = question;
  try {
    // Texts without parameters may hold several statements, which only the simple protocol takes.
    const results =
      params.length === 0 ? await database.exec(text) : [await database.query(text, [...params])];
    say({ kind: 'rows', number, rows: results.at(-1)?.rows ?? [] });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    say({ kind: 'error', number, message, code: code ?? null });
  }
}
