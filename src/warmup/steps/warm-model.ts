import { performance } from 'node:perf_hooks';
import type { Millis } from '../../core/time.js';
import type { WarmUpSteps } from '../../ports/warm-up-steps.js';
import { pause } from '../pause.js';
import { exchange, type Exchange, type Reply } from './exchange.js';

/** One model server to warm. `url` is its base, without a path of the API, and has been allowed already. */
export type ModelServer =
  /** @param infer the body of one inference in the v2 protocol; null: loading is enough */
  | { readonly engine: 'triton'; readonly url: string; readonly model: string; readonly infer: string | null }
  | { readonly engine: 'tgi'; readonly url: string }
  /** @param model null: the first that the server lists */
  | { readonly engine: 'vllm'; readonly url: string; readonly model: string | null };

export type ModelServers =
  | { readonly kind: 'servers'; readonly servers: readonly ModelServer[] }
  | { readonly kind: 'none'; readonly why: string };

export interface WarmModelOptions {
  /** Which servers a workload has. Must give addresses that may be asked, and nothing that a tenant wrote unchecked. */
  readonly serversOf: (workload: string) => ModelServers;
  /** How long a server may take to come up, in one try. */
  readonly comesUpWithin?: Millis;
  /** How long one answer may take: a Triton load answers when the model is loaded, which takes minutes. */
  readonly answersWithin?: Millis;
}

const COMES_UP_WITHIN: Millis = 10 * 60_000;
const ANSWERS_WITHIN: Millis = 10 * 60_000;
const HEALTH_WITHIN: Millis = 5000;
const LOOK_EVERY: Millis = 1000;
const AT_ONCE = 8;
const MOST_SERVERS = 200;

type Send = (exchange: Omit<Exchange, 'timeout'>, timeout?: Millis) => Promise<Reply>;

interface Conversation {
  readonly send: Send;
  /** Until the path answers 200: refused, 400 and 503 mean "still loading" for all three engines. */
  readonly up: (path: string) => Promise<void>;
}

/** Sends each of a workload's model servers its first request. All of them must answer. */
export function warmModelOver(options: WarmModelOptions): WarmUpSteps['warmModel'] {
  const { serversOf, comesUpWithin = COMES_UP_WITHIN, answersWithin = ANSWERS_WITHIN } = options;
  return async ({ workload }, { signal }) => {
    const known = serversOf(workload);
    if (known.kind === 'none') return { outcome: 'nothing', note: known.why, split: {} };
    const began = performance.now();
    const queue = known.servers.slice(0, MOST_SERVERS);
    const warmed: string[] = [];
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const oneAfterTheOther = async () => {
      for (let server = queue.shift(); server !== undefined; server = queue.shift())
        warmed.push(await warm(server, either, comesUpWithin, answersWithin));
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, oneAfterTheOther));
    } catch (error) {
      failed.abort(error); // the others would only go on for nobody
      throw error;
    }
    const [first = 'no model server is known'] = warmed;
    const others = warmed.length > 1 ? `, and ${warmed.length - 1} more` : '';
    const model = Math.round(performance.now() - began);
    return { outcome: warmed.length === 0 ? 'nothing' : 'done', note: first + others, split: { model } };
  };
}

async function warm(
  server: ModelServer,
  signal: AbortSignal,
  upWithin: Millis,
  within: Millis,
): Promise<string> {
  const base = server.url.replace(/\/+$/, '');
  const send: Send = (request, timeout = within) =>
    exchange({ ...request, url: base + request.url, timeout }, signal);
  const up = (path: string) =>
    comesUp(() => send({ method: 'GET', url: path }, HEALTH_WITHIN), upWithin, signal);
  try {
    return await conversation(server, { send, up });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new Error(`${server.engine} at ${base}: ${(error as Error).message}`, { cause: error });
  }
}

function conversation(server: ModelServer, say: Conversation): Promise<string> {
  switch (server.engine) {
    case 'triton':
      return triton(server, say);
    case 'tgi':
      return tgi(say);
    case 'vllm':
      return vllm(server.model, say);
  }
}

async function triton(
  { model, infer }: { model: string; infer: string | null },
  { send, up }: Conversation,
): Promise<string> {
  await up('/v2/health/live');
  const path = encodeURIComponent(model);
  const loaded = await send({ method: 'POST', url: `/v2/repository/models/${path}/load`, body: '{}' });
  // Without --model-control-mode=explicit Triton loads by itself and refuses to be told to.
  const byItself = loaded.status !== 200 && /not allowed|polling is enabled|unsupported/i.test(loaded.body);
  if (loaded.status !== 200 && !byItself) throw refused('load', loaded);
  await up(`/v2/models/${path}/ready`);
  if (infer === null) return `${model} is loaded`;
  const answer = await send({ method: 'POST', url: `/v2/models/${path}/infer`, body: infer });
  return answered('infer', answer, `${model} is loaded and has answered`);
}

async function tgi({ send, up }: Conversation): Promise<string> {
  await up('/health');
  const body = JSON.stringify({ inputs: 'hi', parameters: { max_new_tokens: 1 } });
  return answered(
    'generate',
    await send({ method: 'POST', url: '/generate', body }),
    'has generated a token',
  );
}

async function vllm(named: string | null, { send, up }: Conversation): Promise<string> {
  await up('/health');
  const model = named ?? firstModel(await send({ method: 'GET', url: '/v1/models' }, HEALTH_WITHIN));
  const body = JSON.stringify({ model, prompt: 'hi', max_tokens: 1 });
  return answered(
    'completion',
    await send({ method: 'POST', url: '/v1/completions', body }),
    `${model} has completed a token`,
  );
}

/** Busy is warm: 429 comes from a server that serves. */
function answered(what: string, reply: Reply, note: string): string {
  if (reply.status >= 200 && reply.status < 300) return note;
  if (reply.status === 429) return 'is busy already';
  throw refused(what, reply);
}

function refused(what: string, { status, body }: Reply): Error {
  const words = body.replaceAll(/\s+/g, ' ').trim().slice(0, 160);
  return new Error(`${what}: expected 200, got ${status}${words === '' ? '' : ` ${words}`}`);
}

function firstModel({ status, body }: Reply): string {
  try {
    const { data } = JSON.parse(body) as { data?: { id?: unknown }[] };
    const id = data?.[0]?.id;
    if (status === 200 && typeof id === 'string') return id;
  } catch {
    // Said below, with what was got instead.
  }
  throw new Error(`models: expected a list with a model, got ${status}`);
}

async function comesUp(ask: () => Promise<Reply>, within: Millis, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  let last = 'nothing';
  for (;;) {
    try {
      const { status } = await ask();
      if (status === 200) return;
      last = String(status);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      last = (error as Error).message;
    }
    if (performance.now() - began > within)
      throw new Error(`not up within ${within / 1000} s, the last answer: ${last}`);
    await pause(LOOK_EVERY, signal);
  }
}
