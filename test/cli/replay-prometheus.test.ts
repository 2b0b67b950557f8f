import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { replay } from '../../src/cli/replay.js';
import { scaledObject } from '../replay/pilotlight/scaled-objects.js';
import { createAuthority, type CertificatePaths } from '../support/certificates.js';
import { Daemon, eventually, freePort, temporaryFolder } from '../support/processes.js';

// A Prometheus with a past: 2026-01-05, ingress-nginx scraped every 15 s from 08:00, and for ten minutes not at all.
const BEGIN = Date.parse('2026-01-05T08:00:00Z') / 1000;
const HOURS = 4;
const GAP = [BEGIN + 3 * 3600, BEGIN + 3 * 3600 + 600] as const;

/** Two requests a second for one Service and thirty for another, which must not be counted. */
function openMetrics(): string {
  const series = ([name, rate]: readonly [string, number]) => {
    const labels = `job="ingress",instance="a:10254",exported_namespace="llm",exported_service="${name}"`;
    const lines: string[] = [];
    for (let t = BEGIN; t <= BEGIN + HOURS * 3600; t += 15) {
      if (t > GAP[0] && t < GAP[1]) continue;
      lines.push(`nginx_ingress_controller_requests_total{${labels}} ${rate * (t - BEGIN)} ${t}`);
    }
    return lines;
  };
  const both = [
    ['chat', 2],
    ['other', 30],
  ] as const;
  return ['# TYPE nginx_ingress_controller_requests counter', ...both.flatMap(series), '# EOF', ''].join(
    '\n',
  );
}

let daemon: Daemon;
let url: string;
let manifest: string;

beforeAll(async () => {
  const folder = await temporaryFolder('replay-prometheus');
  manifest = join(folder, 'chat.yaml');
  writeFileSync(manifest, scaledObject());
  // OpenMetrics wants `_total` in a counter's name; ingress-nginx has none.
  const metrics = openMetrics().replaceAll('_requests_total{', '_requests{').replace(' counter', ' gauge');
  writeFileSync(join(folder, 'past.om'), metrics);
  execFileSync('promtool', [
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    join(folder, 'past.om'),
    join(folder, 'data'),
  ]);
  writeFileSync(join(folder, 'prometheus.yml'), '{}\n');
  const port = await freePort();
  daemon = new Daemon(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
  );
  url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus is ready', async () =>
    (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true ? true : undefined,
  );
});

afterAll(() => daemon.stop());

interface Json {
  readonly load: { readonly source: string; readonly seconds: number; readonly requests: number };
}

async function replayed(...args: string[]): Promise<Json['load']> {
  let printed = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  try {
    await replay.run([manifest, '--prometheus', url, '--json', '--no-baselines', '--no-bound', ...args]);
  } finally {
    written.mockRestore();
  }
  return (JSON.parse(printed) as Json).load;
}

const between = (from: number, to: number) => [
  '--from',
  String(from),
  '--to',
  new Date(to * 1000).toISOString(),
];

/** A gateway in front of Prometheus that lets nobody through without its token, as managed services have. */
async function gateway(
  authorization: string,
  tls: CertificatePaths | null = null,
): Promise<{ url: string; close: () => void }> {
  const guard: RequestListener = (asked, answer) => {
    if (asked.headers.authorization !== authorization) {
      answer.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end('<h1>Who are you?</h1>');
      asked.resume();
      return;
    }
    const onward = request(
      `${url}${asked.url ?? ''}`,
      { method: asked.method, headers: { ...asked.headers, host: new URL(url).host } },
      (answered) => {
        answer.writeHead(answered.statusCode ?? 500, answered.headers);
        answered.pipe(answer);
      },
    );
    onward.on('error', () => answer.writeHead(502).end());
    asked.pipe(onward);
  };
  const server =
    tls === null
      ? createServer(guard)
      : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, guard);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http${tls === null ? '' : 's'}://127.0.0.1:${port}`, close: () => server.close() };
}

describe('replay --prometheus behind a gateway that wants credentials', () => {
  const range = between(BEGIN + 600, BEGIN + 1200);

  function secret(name: string, text: string): string {
    const path = join(dirname(manifest), name);
    writeFileSync(path, text);
    return path;
  }

  it('shows the bearer token of its file, and no answer without', async () => {
    const guarded = await gateway('Bearer s3cret');
    try {
      const from = ['--prometheus', guarded.url, ...range];
      const token = secret('token', 's3cret\n');
      expect((await replayed(...from, '--prometheus-token-file', token)).requests).toBeCloseTo(1200, -1);
      await expect(replayed(...from)).rejects.toThrow(/HTTP 401: .*; give --prometheus-token-file/);
      const wrong = secret('wrong', 'other');
      await expect(replayed(...from, '--prometheus-token-file', wrong)).rejects.toThrow(/HTTP 401/);
      // As the server, from the environment.
      vi.stubEnv('PILOTLIGHT_PROMETHEUS_TOKEN_FILE', token);
      expect((await replayed(...from)).requests).toBeCloseTo(1200, -1);
    } finally {
      vi.unstubAllEnvs();
      guarded.close();
    }
  });

  it('shows user name and password', async () => {
    const guarded = await gateway(`Basic ${Buffer.from('ops:pa55').toString('base64')}`);
    try {
      const password = secret('password', 'pa55\n');
      const who = ['--prometheus-username', 'ops', '--prometheus-password-file', password];
      const load = await replayed('--prometheus', guarded.url, ...range, ...who);
      expect(load.requests).toBeCloseTo(1200, -1);
    } finally {
      guarded.close();
    }
  });

  it('trusts the authority that it is given, and none that it does not know', async () => {
    const authority = await createAuthority(dirname(manifest), 'gateway');
    const guarded = await gateway('Bearer s3cret', await authority.issue('prometheus'));
    try {
      const token = secret('token', 's3cret\n');
      const from = ['--prometheus', guarded.url, ...range, '--prometheus-token-file', token];
      const load = await replayed(...from, '--prometheus-ca', authority.cert);
      expect(load.requests).toBeCloseTo(1200, -1);
      await expect(replayed(...from)).rejects.toThrow(/--prometheus https:.*certificate/);
    } finally {
      guarded.close();
    }
  });

  it('names a file that is not there or no token, and settings that contradict each other', async () => {
    const none = join(dirname(manifest), 'none');
    await expect(replayed(...range, '--prometheus-token-file', none)).rejects.toThrow(
      /cannot read .*none: ENOENT/,
    );
    await expect(replayed(...range, '--prometheus-token-file', secret('two', 'two words'))).rejects.toThrow(
      /two must hold one bearer token/,
    );
    await expect(replayed(...range, '--prometheus-username', 'ops')).rejects.toThrow(
      /needs both a user name and a password file/,
    );
  });
});

describe('replay --prometheus', () => {
  it('takes the load of the workload’s own Service from the gateway', async () => {
    const from = BEGIN + 600;
    const load = await replayed(...between(from, from + 3600));
    expect(load).toMatchObject({ source: url, seconds: 3600 });
    expect(load.requests).toBeCloseTo(7200, -1);
  });

  it('asks in parts where the points are more than Prometheus gives at once', async () => {
    // 2.5 hours of seconds, and the range before them, are 12 600 points.
    const from = BEGIN + 600;
    const query = 'sum(rate(nginx_ingress_controller_requests{exported_service="chat"}[1m]))';
    const load = await replayed(...between(from, from + 2 * 3600), '--step', '1s', '--query', query);
    expect(load.requests).toBeCloseTo(14_400, -1);
    const long = BEGIN - 4 * 3600;
    const steady = await replayed(...between(long, long + 12_600), '--step', '1s', '--query', 'vector(0.5)');
    expect(steady).toMatchObject({ seconds: 12_600, requests: 6300 });
  });

  it('takes an increase for what came in a step', async () => {
    const from = BEGIN + 600;
    const query = 'sum(increase(nginx_ingress_controller_requests{exported_service="other"}[5m]))';
    const args = ['--step', '5m', '--query', query, '--query-gives', 'increase'];
    expect((await replayed(...between(from, from + 3600), ...args)).requests).toBeCloseTo(108_000, -2);
  });

  it('names the gap, and takes none for quiet', async () => {
    // The last sample before the gap is in the windows of a minute after it.
    await expect(replayed(...between(GAP[0] - 600, GAP[1] + 600))).rejects.toThrow(
      /^no data from 2026-01-05T11:00:\d\dZ to 2026-01-05T11:1\d:\d\dZ; choose a range without it/,
    );
    await expect(replayed(...between(BEGIN - 86_400, BEGIN - 80_000))).rejects.toThrow(
      'no data in the whole range',
    );
    const orNone = 'sum(rate(nginx_ingress_controller_requests{exported_service="chat"}[1m])) or vector(0)';
    const load = await replayed(...between(GAP[0] - 600, GAP[1] + 600), '--query', orNone);
    expect(load.requests).toBeGreaterThan(2000);
  });

  it('passes on what Prometheus says of a query', async () => {
    const range = between(BEGIN + 600, BEGIN + 1200);
    await expect(replayed(...range, '--query', 'rate(')).rejects.toThrow(/HTTP 400: .*parse error/);
    await expect(replayed(...range, '--query', 'nginx_ingress_controller_requests')).rejects.toThrow(
      'the query gives 2 series; expected one, as sum(…) gives',
    );
  });
});
