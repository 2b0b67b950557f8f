import { see } from '../../core/forecast/foresight.js';
import { SECOND } from '../../core/time.js';
import type { Load } from '../load.js';
import type { Stepped } from './step.js';

const SAMPLE_SECONDS = 15;

/** Shows a forecast the load that came right before second 0, as if everything had been served in time. */
export function remember({ foresight }: Stepped, history: Load | null): void {
  if (foresight === null || history === null) return;
  let row = 0;
  for (let end = SAMPLE_SECONDS; end <= history.seconds; end += SAMPLE_SECONDS) {
    let arrivals = 0;
    for (; row < history.at.length && (history.at[row] ?? 0) < end; row += 1)
      arrivals += history.requests[row] ?? 0;
    const at = (end - history.seconds) * SECOND;
    see(foresight, { at, length: SAMPLE_SECONDS * SECOND, arrivals, waiting: 0, running: 0, ready: 1 });
  }
}
