import { pino } from 'pino';
import type { ScrapeTargets } from '../../src/ports/scrape-targets.js';
import type { Clock } from '../../src/ports/clock.js';
import { startServer, type RunningServer } from '../../src/server/serve.js';
import { resolveSettings, type Settings } from '../../src/server/settings.js';
import { eventually } from './processes.js';
import { connectKeda, type KedaClient } from './keda-client.js';

export interface TestServer extends RunningServer {
  readonly keda: KedaClient;
  readonly http: string;
  /** Resolves when an evaluation that began after the call has ended. */
  ticked(): Promise<void>;
}

/** The whole server in this process on free ports, with a tick short enough for tests, and a client that is connected. */
export async function serveHere(
  settings: Partial<Settings> = {},
  parts: { readonly targets?: ScrapeTargets; readonly clock?: Clock } = {},
): Promise<TestServer> {
  const server = await startServer({
    settings: {
      ...resolveSettings({ flags: {}, environment: {}, file: null }),
      grpcListen: '127.0.0.1:0',
      httpListen: '127.0.0.1:0',
      tick: 200,
      drain: 2000,
      ...settings,
    },
    log: pino({ level: 'silent' }),
    clock: parts.clock ?? { now: () => Date.now() },
    ...(parts.targets === undefined ? {} : { targets: parts.targets }),
  });
  const keda = connectKeda(server.grpcPort);
  const http = `http://127.0.0.1:${server.httpPort}`;
  return {
    ...server,
    keda,
    http,
    async ticked() {
      const before = await ticksOf(http);
      // The first to end may have been under way already.
      await eventually('two ticks', async () => ((await ticksOf(http)) >= before + 2 ? true : undefined));
    },
    async stop() {
      await server.stop();
      keda.close();
    },
  };
}

async function ticksOf(http: string): Promise<number> {
  const page = await (await fetch(`${http}/metrics`)).text();
  return Number(/^pilotlight_tick_duration_seconds_count (\d+)$/m.exec(page)?.[1]);
}
