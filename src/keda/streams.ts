/** As much of a server stream as its end takes. */
export interface EndableStream {
  on(event: 'cancelled' | 'close' | 'error', listener: () => void): unknown;
  end(): unknown;
}

export interface Streams {
  /** Keeps the stream until its client leaves or `end` is called; `stop` is then called, once. */
  add(call: EndableStream, stop: () => void): void;
  /** Ends all streams with OK and every later one at once: KEDA resets its back-off only then (KEDA-PROTOCOL 49). */
  end(): void;
  count(): number;
}

export function openStreams(): Streams {
  const open = new Map<EndableStream, () => void>();
  let ended = false;
  // First nothing more is written: a message after the end would turn OK into an error.
  const finish = (call: EndableStream, leave: () => void) => {
    leave();
    call.end();
  };
  return {
    add(call, stop) {
      const leave = () => {
        if (open.delete(call)) stop();
      };
      open.set(call, leave);
      call.on('cancelled', leave);
      call.on('close', leave);
      call.on('error', leave);
      if (ended) finish(call, leave);
    },
    end() {
      ended = true;
      for (const [call, leave] of open) finish(call, leave);
    },
    count: () => open.size,
  };
}
