import { Daemon, eventually, freePort, temporaryFolder } from './processes.js';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly url: string;
  readonly daemon: Daemon;
  stop(): Promise<void>;
}

/** A real redis-server of its own on loopback. @param given the port; a free one by default */
export async function startRedis(given?: number): Promise<RedisServer> {
  const port = given ?? (await freePort());
  const folder = await temporaryFolder('redis');
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const daemon = new Daemon('redis-server', args, folder);
  const url = `redis://127.0.0.1:${port}`;
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: null });
  probe.on('error', () => undefined);
  await eventually('redis-server answers', async () => ((await probe.ping()) === 'PONG' ? true : undefined));
  probe.disconnect();
  return { url, daemon, stop: () => daemon.stop() };
}
