import { getConnInfo } from '@hono/node-server/conninfo';
import { serve, type ServerType } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { Orders } from '../ports/orders.js';
import type { WorkloadSummary, WorkloadView, WorkloadViews } from '../ports/workload-views.js';
import type { WarmUpDesk } from '../ports/warm-ups.js';
import { mayUse } from './access.js';
import type { ClusterMetrics } from './cluster-metrics.js';
import type { ServerMetrics } from './metrics.js';
import { ordersApp } from './orders.js';
import type { WarmUpMetrics } from './warm-up-metrics.js';
import { warmUpsApp, warmUpsOf } from './warm-ups.js';

export interface ConsoleParts {
  readonly views: WorkloadViews;
  readonly metrics: ServerMetrics;
  readonly orders: Orders;
  readonly warmUps: WarmUpDesk;
  readonly warmUpMetrics: WarmUpMetrics;
  /** None of the cluster where it is left out. */
  readonly clusterMetrics?: ClusterMetrics;
  /** Why the server is not ready for calls, or not well; null when it is. */
  readonly notReady: () => string | null;
  readonly notHealthy: () => string | null;
  /** The bearer token as the file has it now; null without one. */
  readonly token: () => string | null;
}

export interface ConsoleServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The admin HTTP server. Rejects, naming the address, when it cannot listen there. */
export function startConsole(parts: ConsoleParts, listen: string): Promise<ConsoleServer> {
  const app = consoleApp(parts);
  const colon = listen.lastIndexOf(':');
  const hostname = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const server: ServerType = serve(
      { fetch: app.fetch, hostname, port: Number(listen.slice(colon + 1)) },
      ({ port }) => resolve({ port, close: () => closed(server) }),
    );
    server.once('error', (error: Error) =>
      reject(new Error(`--http-listen ${listen}: ${error.message}`, { cause: error })),
    );
  });
}

export function consoleApp(parts: ConsoleParts): Hono {
  const { views, metrics, orders, warmUps, warmUpMetrics, clusterMetrics, notReady, notHealthy, token } =
    parts;
  const app = new Hono();
  const state = (why: string | null) => (context: Context) =>
    context.text(why ?? 'ok', why === null ? 200 : 503);
  app.get('/healthz', (context) => state(notHealthy())(context));
  app.get('/readyz', (context) => state(notReady())(context));
  app.get('/metrics', async (context) =>
    context.text(
      `${await metrics.render()}${await warmUpMetrics.render()}${(await clusterMetrics?.render()) ?? ''}`,
      200,
      {
        'content-type': metrics.contentType,
      },
    ),
  );
  app.use('/v1/*', async (context, next) => {
    if (mayUse(getConnInfo(context).remote.address, context.req.header('authorization'), token()))
      return next();
    return context.json(
      { error: 'expected a bearer token (--token-file), or a call from loopback such as a port-forward' },
      401,
    );
  });
  app.get('/v1/workloads', (context) => context.json({ workloads: views.all().map(row) }));
  app.route('/v1/warm-ups', warmUpsApp(warmUps));
  app.get('/v1/workloads/:namespace/:name', async (context) => {
    const { namespace, name } = context.req.param();
    const triggers = views.named(namespace, name);
    if (triggers.length > 0) {
      const prepared = await warmUpsOf(warmUps, namespace, name);
      return context.json({ namespace, name, triggers: triggers.map(detail), warmUps: prepared });
    }
    const error = `no ScaledObject ${namespace}/${name}: KEDA has not asked about it in the last 10 minutes`;
    return context.json({ error }, 404);
  });
  app.route('/v1/workloads/:namespace/:name', ordersApp(orders));
  app.notFound((context) =>
    context.json({ error: `nothing at ${context.req.path}; the API is under /v1/workloads` }, 404),
  );
  return app;
}

function row({ id, namespace, name, profiles, decision }: WorkloadSummary): object {
  return {
    id,
    namespace,
    name,
    profiles,
    verdict: decision?.verdict ?? null,
    current: decision?.replicas.current ?? null,
    desired: decision?.desired ?? null,
    active: decision?.active ?? null,
    at: decision === null ? null : new Date(decision.at).toISOString(),
    reason: decision?.reason ?? 'not evaluated yet',
  };
}

function detail(view: WorkloadView): object {
  const { id, profiles, target, policy, metricSpecs, decision, forecast, cluster } = view;
  const askedAt = new Date(view.askedAt).toISOString();
  return { id, profiles, target, policy, metricSpecs, askedAt, decision, forecast, cluster };
}

function closed(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}
