import type { Reached } from './calibrate.js';

/** Slots this near to a whole number are that number: measured ones never are. */
const WHOLE = 0.1;

/**
 * The keys of a trigger's metadata that a calibration gives, as KEDA wants them: strings. `profile` is missing where the
 * test cannot tell which server it was.
 */
export function metadataOf({ choice, capacity }: Reached): Record<string, string> {
  const [only, ...others] = choice?.profiles ?? [];
  return {
    ...(only === undefined || others.length > 0 ? {} : { profile: only }),
    ...(choice === null ? {} : { target: decimal(choice.target) }),
    ...(capacity === null
      ? {}
      : { slots: decimal(nearWhole(capacity.slots)), serviceTime: decimal(capacity.serviceTime) }),
  };
}

function nearWhole(value: number): number {
  const whole = Math.max(1, Math.round(value));
  return Math.abs(value - whole) <= WHOLE * whole ? whole : value;
}

/** Three digits, at least one millionth: metadata knows no exponents, and `serviceTime` six decimals. */
function decimal(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return Math.max(1e-6, value)
    .toFixed(Math.min(6, digits))
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}
