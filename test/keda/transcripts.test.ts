import { credentials } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Decision } from '../../src/core/decision.js';
import type { ScrapeTarget } from '../../src/ports/scrape-targets.js';
import { createAuthority } from '../support/certificates.js';
import { connectKeda, type KedaClient, type Stream } from '../support/keda-client.js';
import { temporaryFolder } from '../support/processes.js';
import { listen } from '../support/prometheus-server.js';
import { serveHere, type TestServer } from '../support/running-server.js';
import { readTranscript, type Call, type Transcript } from './transcript.js';

/** Runs of minutes become seconds; the order stays, and each change of the load is seen before the next call. */
const FASTER = 60;
const LONGEST_PAUSE_MS = 10;
const TICK_MS = 40;

const began = Date.now();
const clock = { now: () => began + (Date.now() - began) * FASTER };

const NAMES = [
  'a-external',
  'b-push',
  'b2-push',
  'e-two-metrics',
  'h-tls',
  'i2-cached',
  'o-operator-restart',
];

let folder: string;
let tls: { tlsCert: string; tlsKey: string; authority: Buffer };
const load = { active: false, values: [0, 0] };
const pod = createServer((request, response) => {
  response.end(page(new URL(request.url ?? '', 'http://pod').searchParams.get('model') ?? ''));
});
let podPort: number;

beforeAll(async () => {
  folder = await temporaryFolder('transcripts');
  const authority = await createAuthority(folder, 'authority');
  const { cert, key } = await authority.issue('scaler');
  tls = { tlsCert: cert, tlsKey: key, authority: readFileSync(authority.cert) };
  podPort = await listen(pod);
});

afterAll(async () => {
  pod.closeAllConnections();
  pod.close();
  await rm(folder, { recursive: true, force: true });
});

/** The recorded scaler could be active at a value of 0; a load cannot. */
function page(model: string): string {
  const [queue = 0, waiting = 0] = load.values.map((value) => (load.active ? Math.max(1, value) : 0));
  return [
    '# TYPE nv_inference_pending_request_count gauge',
    `nv_inference_pending_request_count{model="${model}",version="1"} ${queue}`,
    '# TYPE vllm:num_requests_waiting gauge',
    `vllm:num_requests_waiting{model_name="${model}"} ${waiting}`,
    '',
  ].join('\n');
}

test.each(NAMES)('%s', { timeout: 60_000 }, async (name) => {
  const transcript = readTranscript(name);
  Object.assign(load, { active: false, values: [0, 0] });
  const server = await serve(transcript);
  const replay = await replayed(transcript, server);
  await server.stop();

  expect(replay.pairs).toBeGreaterThan(0);
  for (const [ref, specs] of replay.specs) {
    expect(new Set(specs.map((each) => JSON.stringify(each))).size, `specs of trigger ${ref}`).toBe(1);
    expect(specs[0]).toHaveLength(transcript.metrics.length);
  }
  // The recorded load went up and down again in most runs, and ours with it.
  if (transcript.events.some((event) => 'active' in event && event.active === true))
    expect(replay.activity).toContain(true);
  if (['a-external', 'b-push', 'b2-push'].includes(name)) expect(replay.activity).toContain(false);
  for (const { stream, wasOpen } of replay.streams) {
    expect(stream.received.length).toBeGreaterThan(0);
    expect(stream.received.filter((state, index) => state === stream.received[index - 1])).toEqual([]);
    await expect.poll(() => stream.ended?.code).toBe(wasOpen ? 0 : 1); // OK on drain, else cancelled by the client
  }
  expect(replay.streams.length).toBe(transcript.events.filter((event) => 'stream' in event).length);
});

function serve(transcript: Transcript): Promise<TestServer> {
  const pods = new Map(
    transcript.refs.map(({ namespace, name, metadata }) => {
      const url = `http://127.0.0.1:${podPort}/metrics?model=${metadata['model'] ?? 'any'}`;
      const target: ScrapeTarget = { kind: 'pod', namespace, pod: `${name}-6d5f9c7b8-abcde`, url };
      return [`${namespace}/${name}`, target];
    }),
  );
  const { tlsCert, tlsKey } = tls;
  return serveHere(
    { tick: TICK_MS, ...(transcript.tls ? { tlsCert, tlsKey } : {}) },
    { clock, targets: { list: () => [...pods.values()] } },
  );
}

interface Replay {
  readonly specs: Map<number, unknown[]>;
  readonly activity: boolean[];
  readonly streams: { readonly stream: Stream<boolean>; wasOpen: boolean }[];
  /** Of GetMetrics and IsActive that fell between two decisions, and so must agree. */
  pairs: number;
}

async function replayed(transcript: Transcript, server: TestServer): Promise<Replay> {
  const replay: Replay = { specs: new Map(), activity: [], streams: [], pairs: 0 };
  const clients = new Map<number, KedaClient>();
  const streams = new Map<number, Replay['streams'][number]>();
  const decisions = decisionsOf(server);
  let time = 0;
  let half: { ref: number; value: number; index: number; decision: Decision | null } | null = null;

  const client = (conn: number) => {
    const known = clients.get(conn) ?? connect(transcript, server);
    clients.set(conn, known);
    return known;
  };

  const make = async (call: Call) => {
    const ref = transcript.refs[call.ref]!;
    const keda = client(call.conn);
    const options = { deadlineMs: call.deadlineMs ?? null };
    switch (call.call) {
      case 'GetMetricSpec': {
        const specs = await keda.metricSpec(ref, options);
        replay.specs.set(call.ref, [...(replay.specs.get(call.ref) ?? []), specs]);
        return;
      }
      case 'GetMetrics': {
        const index = transcript.metrics.indexOf(call.metric);
        const name = (replay.specs.get(call.ref)![0] as { metricName: string }[])[index]!.metricName;
        const values = await keda.metrics(ref, name, options);
        expect(values).toEqual([
          { metricName: name, metricValue: 0, metricValueFloat: expect.any(Number) as number },
        ]);
        const value = values[0]!.metricValueFloat;
        expect(value).toBeGreaterThanOrEqual(0);
        half = { ref: call.ref, value, index, decision: decisions(call.ref) };
        return;
      }
      case 'IsActive': {
        const active = await keda.isActive(ref, options);
        replay.activity.push(active);
        const decision = decisions(call.ref);
        if (half?.ref !== call.ref || decision === null || decision !== half.decision) return;
        replay.pairs += 1;
        expect({ value: half.value, active }).toEqual({
          value: decision.metrics[half.index],
          active: decision.active,
        });
        if (transcript.metrics.length === 1) expect(active).toBe(half.value > 0);
        return;
      }
      case 'StreamIsActive': {
        const opened = { stream: keda.streamIsActive(ref), wasOpen: true };
        streams.set(call.stream, opened);
        replay.streams.push(opened);
      }
    }
  };

  for (const event of transcript.events) {
    await pause(Math.min(LONGEST_PAUSE_MS, (event.t - time) / FASTER));
    time = event.t;
    if ('call' in event) await make(event);
    else if ('closes' in event) {
      const closed = streams.get(event.closes)!;
      await expect.poll(() => closed.stream.received.length).toBeGreaterThan(0); // the state at once
      closed.wasOpen = false;
      closed.stream.cancel();
    } else {
      load.active = event.active ?? load.active;
      load.values = transcript.metrics.map((name, index) => event.values?.[name] ?? load.values[index] ?? 0);
      await server.ticked();
    }
  }
  return replay;
}

function connect(transcript: Transcript, server: TestServer): KedaClient {
  const channel = transcript.tls ? credentials.createSsl(tls.authority) : credentials.createInsecure();
  return connectKeda(`localhost:${server.grpcPort}`, channel);
}

/** The decision behind each recorded trigger: which workload it is shows when its first call makes it known. */
function decisionsOf(server: TestServer): (ref: number) => Decision | null {
  const ids = new Map<number, string>();
  return (ref) => {
    const views = server.views.all();
    const known = new Set(ids.values());
    const id = ids.get(ref) ?? views.find((view) => !known.has(view.id))?.id;
    if (id !== undefined) ids.set(ref, id);
    return views.find((view) => view.id === id)?.decision ?? null;
  };
}
