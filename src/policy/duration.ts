import { HOUR, MINUTE, SECOND, type Millis } from '../core/time.js';

export const DURATION = 'a duration such as 90s, 5m or 1h30m';

/** `90s`, `5m`, `1h30m` in milliseconds; `0` and `0s` are 0. Null when it is none of these. */
export function parseDuration(text: string): Millis | null {
  if (text === '0') return 0;
  const match = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$/.exec(text);
  if (match === null || text === '') return null;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
}
