import type { Clock } from '../ports/clock.js';
import type { MetricSource } from '../ports/metric-source.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import { isAllowed } from '../signals/prometheus/allow-list.js';
import { createPrometheusSource, type PrometheusSource } from '../signals/prometheus/source.js';
import { createBullmqSource } from '../signals/queues/bullmq-source.js';
import { createScrapeSource } from '../signals/scrape/scraper.js';
import type { Sources } from './questions.js';
import { SettingsError, type Settings } from './settings.js';

/** Tenants may name paths below an allowed address, and each is a source of its own: they must not fill the memory. */
const MOST_OTHERS = 100;

export interface OpenSources extends Sources {
  close(): void;
}

/** Builds the sources that the settings name. Connections are made when they are first used. */
export function openSources(settings: Settings, targets: ScrapeTargets | null, clock: Clock): OpenSources {
  const own = settings.prometheus === undefined ? null : ownPrometheus(settings, settings.prometheus, clock);
  const others = new Map<string, PrometheusSource>();
  const scrape = targets === null ? null : createScrapeSource({ targets, clock });
  const queues = settings.redis === undefined ? null : createBullmqSource(settings.redis, clock);
  return {
    prometheus: own,
    scrape,
    queues,
    prometheusAt(address): MetricSource | null {
      const ownUrl = settings.prometheus ?? '';
      const allowed = isAllowed(address, [ownUrl, ...settings.allowPrometheus]);
      if (!allowed.ok) return null;
      if (isSame(allowed.url, ownUrl)) return own;
      const known = others.get(allowed.url);
      if (known !== undefined || others.size >= MOST_OTHERS) return known ?? null;
      // The server's credentials stay with the server's own Prometheus.
      const source = createPrometheusSource({ url: allowed.url, clock, window: settings.rateWindow });
      others.set(allowed.url, source);
      return source;
    },
    close() {
      for (const source of [own, scrape, queues, ...others.values()]) source?.close();
    },
  };
}

function isSame(normalised: string, url: string): boolean {
  const other = isAllowed(url, [url]);
  return other.ok && other.url === normalised;
}

function ownPrometheus(settings: Settings, url: string, clock: Clock): PrometheusSource {
  const headers = Object.fromEntries(
    settings.prometheusHeader.map((header) => {
      const [name = '', ...value] = header.split('=');
      return [name, value.join('=')];
    }),
  );
  const credentials = withoutUndefined({
    username: settings.prometheusUsername,
    passwordFile: settings.prometheusPasswordFile,
    bearerTokenFile: settings.prometheusTokenFile,
    caFile: settings.prometheusCa,
    certFile: settings.prometheusCert,
    keyFile: settings.prometheusKey,
  });
  try {
    return createPrometheusSource({ url, clock, window: settings.rateWindow, headers, credentials });
  } catch (error) {
    throw new SettingsError(`--prometheus: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function withoutUndefined<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
