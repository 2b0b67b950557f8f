import type { ReplayManifest } from '../replay/pilotlight/manifest.js';
import { TuneError } from '../replay/tune/knob.js';
import { UsageError } from './command.js';
import type { Flags } from './replay-inputs.js';

/** @param where the fault is */
export function tuneFaultsAsUsage<T>(read: () => T, where = '--set'): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof TuneError ? new UsageError(`${where}: ${error.message}`) : error;
  }
}

/**
 * `--slo-wait 10s@99%`, or `--slo-wait 10s --slo-share 99%`; what is not given comes from the trigger's `slo`, and from
 * 10s@99% where it has none.
 */
export function sloWaitOf(flags: Flags, { metadata }: Pick<ReplayManifest, 'metadata'>): string {
  const [ownWait = '10s', ownShare = '99%'] = (metadata['slo'] ?? '')
    .split('@', 2)
    .filter((part) => part !== '');
  const { 'slo-wait': given, 'slo-share': share } = flags;
  const wait = typeof given === 'string' ? given : ownWait;
  if (typeof share !== 'string') return wait.includes('@') ? wait : `${wait}@${ownShare}`;
  if (wait.includes('@')) {
    throw new UsageError(`--slo-share: --slo-wait ${wait} has a share of its own; give one of them`);
  }
  if (/^(?:\d{1,2}(?:\.\d+)?|100)%$/.test(share)) return `${wait}@${share}`;
  throw new UsageError(`--slo-share: got "${share}", expected a share such as 99.5%`);
}

/** @throws UsageError unless the flag is a whole number of at least `least` */
export function wholeOf(flags: Flags, name: string, least: number): number | null {
  const value = flags[name];
  if (typeof value !== 'string') return null;
  const whole = /^\d{1,9}$/.test(value) ? Number(value) : -1;
  if (whole >= least) return whole;
  throw new UsageError(`--${name}: got "${value}", expected a whole number ≥ ${least}`);
}
