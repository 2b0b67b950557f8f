import { HOUR, MINUTE, SECOND, type Millis } from '../../core/time.js';
import type { Clock } from '../../ports/clock.js';
import { PATIENCE, type Access, type Patience } from '../client/connection.js';
import type { Log } from '../log.js';
import { FIRST_PAUSE } from './back-off.js';
import type { Turns } from './turns.js';

export interface Timing {
  readonly patience: Patience;
  /** The server ends a watch after this long, up to half more by chance. */
  readonly watchFor: Millis;
  /**
   * Longer silence may be a dead connection, and a watch begins anew. Or nothing has happened: bookmarks come about every
   * minute where something has, for events never (they are in no watch cache), and for other kinds only as far as the API
   * server hears of etcd's progress (from 1.21 on).
   */
  readonly watchSilence: Millis;
  /** A list from anew, for what a watch might have missed. */
  readonly resyncEvery: Millis;
  /** For how long what was last known stands when a watch is lost. */
  readonly grace: Millis;
  readonly firstPause: Millis;
  /** Objects a page. */
  readonly page: number;
}

export const TIMING: Timing = {
  patience: PATIENCE,
  watchFor: 5 * MINUTE,
  watchSilence: 2 * MINUTE,
  resyncEvery: 6 * HOUR,
  grace: 30 * SECOND,
  firstPause: FIRST_PAUSE,
  page: 500,
};

export interface Surroundings {
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: Timing;
  /** 0 to 1. */
  readonly chance: () => number;
  /** Shared by all watches. */
  readonly turns: Turns;
}
