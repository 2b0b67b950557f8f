import type { Logger } from 'pino';
import type { Clock } from '../ports/clock.js';
import type { ScrapeTargets } from '../ports/scrape-targets.js';
import type { ServerCluster } from './cluster.js';
import type { Settings } from './settings.js';
import type { WarmUpPlace } from './warm-ups.js';

export interface ServerParts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  /** In place of `settings.scrapeTargets`. */
  readonly targets?: ScrapeTargets;
  /** In place of what the settings say of them. */
  readonly warmUps?: WarmUpPlace;
  readonly cluster?: ServerCluster;
}

/** What has been started, newest last: stopped in reverse. */
export type Closers = (() => Promise<void> | void)[];
