import type { Clock } from '../ports/clock.js';

const WIDTH = 30;

/** A bar on standard error while settings are run; nothing where that is no terminal. */
export interface TuneProgress {
  /** What is under way, and how many runs that will be at most. */
  begin(what: string, runs: number): void;
  /** One more run has ended. */
  done(): void;
  clear(): void;
}

export function tuneProgress(
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>,
  clock: Clock,
): TuneProgress {
  if (!stream.isTTY) return { begin: () => undefined, done: () => undefined, clear: () => undefined };
  let [what, runs, ended, since] = ['', 0, 0, clock.now()];
  const draw = () => {
    const share = runs === 0 ? 0 : Math.min(1, ended / runs);
    const full = Math.round(share * WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
    const left =
      ended === 0 ? '' : `, ${inWords(((clock.now() - since) / ended) * (runs - ended))} left at most`;
    stream.write(`\r\u001B[2K${bar} ${what}: ${ended} of ${runs} runs${left}`);
  };
  return {
    begin(name, count) {
      [what, runs, ended, since] = [name, count, 0, clock.now()];
      draw();
    },
    done() {
      ended += 1;
      draw();
    },
    clear: () => void stream.write('\r\u001B[2K'),
  };
}

function inWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
