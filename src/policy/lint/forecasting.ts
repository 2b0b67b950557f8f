import type { Subject, TriggerView } from './subject.js';

/** Whether a trigger asks for a forecast, as far as the manifest tells. */
export function forecasts({ ours }: TriggerView): boolean {
  const { forecast = 'off' } = ours?.stated ?? {};
  return forecast === 'on' || forecast === 'auto';
}

/** Whether a forecast decides alone what is held: beside another trigger KEDA and the HPA may have to hold what that one wants. */
export function forecastHolds({ triggers }: Subject): boolean {
  return triggers.length > 0 && triggers.every(forecasts);
}
