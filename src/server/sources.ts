import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import { createPrometheusSource, type PrometheusSource } from '../signals/prometheus/source.js';
import { createBullmqSource } from '../signals/queues/bullmq-source.js';
import { createScrapeSource } from '../signals/scrape/scraper.js';
import type { Sources } from './questions.js';
import { SettingsError, type Settings } from './settings.js';
import { openTenantsPrometheis } from './tenants-prometheis.js';

export interface OpenSources extends Sources {
  close(): void;
}

/** Builds the sources that the settings name. Connections are made when they are first used. */
export function openSources(settings: Settings, targets: ScrapeTargets | null, clock: Clock): OpenSources {
  const own = settings.prometheus === undefined ? null : ownPrometheus(settings, settings.prometheus, clock);
  const tenants = openTenantsPrometheis(settings, own, clock);
  const scrape = targets === null ? null : createScrapeSource({ targets, clock });
  const queues = settings.redis === undefined ? null : createBullmqSource(settings.redis, clock);
  return {
    prometheus: own,
    scrape,
    queues,
    prometheusAt: (address) => tenants.at(address),
    close() {
      for (const source of [own, tenants, scrape, queues]) source?.close();
    },
  };
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
