/** As much of a server stream as its end takes. */
export interface EndableStream {
  on(event: 'cancelled' | 'close' | 'error', listener: () => void): unknown;
  end(): unknown;
}

export interface Streams {
  /** Keeps the stream until its client leaves; `stop` is then called, once. */
  add(call: EndableStream, stop: () => void): void;
  /** Ends all streams with OK and every later one at once: KEDA resets its back-off only then (KEDA-PROTOCOL 49). */
  end(): void;
  count(): number;
}

export function openStreams(): Streams {
  const open = new Map<EndableStream, () => void>();
  let ended = false;
  return {
    add(call, stop) {
      const leave = () => {
        if (open.delete(call)) stop();
      };
      open.set(call, stop);
      call.on('cancelled', leave);
      call.on('close', leave);
      call.on('error', leave);
      if (ended) call.end();
    },
    end() {
      ended = true;
      for (const call of open.keys()) call.end();
    },
    count: () => open.size,
  };
}
