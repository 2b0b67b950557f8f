import type { Millis } from '../../core/time.js';

/** Why a run ended before its steps were done. */
export type Interruption =
  /** The server stops: the warm-up goes back to the queue. */
  | 'stopped'
  | 'cancelled'
  /** Another run has taken over, or may have: the lease could not be renewed. */
  | 'lost'
  /** It was not ready for so long that it is given up. */
  | 'gave up';

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly by: Interruption;

  constructor(by: Interruption) {
    super(`the warm-up was interrupted: ${by}`);
    this.by = by;
  }
}

/** Clocks may jump: what is due is asked again and again, not left to one long timer. */
const LOOK_EVERY: Millis = 250;

export interface Watch {
  /** What ends the run at this moment; null when nothing does. */
  readonly interruption: () => Interruption | null;
  /** Called with every look, never twice at once; must not reject. */
  readonly look: () => Promise<void>;
}

/** Watches over a run: its signal aborts, with an Interrupted, as soon as there is a reason. */
export class Guard {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #stop: AbortSignal;
  readonly #onStop = () => this.interrupt('stopped');

  constructor(stop: AbortSignal, { interruption, look }: Watch) {
    this.#stop = stop;
    let looking = false;
    this.#timer = setInterval(() => {
      const by = interruption();
      if (by !== null) this.interrupt(by);
      if (looking) return;
      looking = true;
      void look().finally(() => {
        looking = false;
      });
    }, LOOK_EVERY);
    if (stop.aborted) this.#onStop();
    else stop.addEventListener('abort', this.#onStop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  interrupt(by: Interruption): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(new Interrupted(by));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#stop.removeEventListener('abort', this.#onStop);
  }
}
