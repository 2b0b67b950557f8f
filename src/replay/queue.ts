/**
 * The requests that wait, first come first served, as groups: those of one second are alike. A ring, so that a queue
 * of hours costs two numbers a second.
 */
export interface Queue {
  arrivals: Float64Array;
  counts: Float64Array;
  head: number;
  groups: number;
  /** Requests in all groups. */
  requests: number;
}

export function emptyQueue(): Queue {
  return { arrivals: new Float64Array(64), counts: new Float64Array(64), head: 0, groups: 0, requests: 0 };
}

/** Appends the requests of one second; seconds must not fall. */
export function enqueue(queue: Queue, second: number, requests: number): void {
  if (queue.groups === queue.counts.length) enlarge(queue);
  const tail = (queue.head + queue.groups) % queue.counts.length;
  queue.arrivals[tail] = second;
  queue.counts[tail] = requests;
  queue.groups += 1;
  queue.requests += requests;
}

/** The second in which the oldest waiting requests came. Only with `groups` > 0. */
export function oldestArrival(queue: Queue): number {
  return queue.arrivals[queue.head] ?? 0;
}

/** Takes up to so many of the oldest second's requests; returns how many. */
export function dequeue(queue: Queue, atMost: number): number {
  const waiting = queue.counts[queue.head] ?? 0;
  const taken = Math.min(waiting, atMost);
  queue.requests -= taken;
  if (taken < waiting) {
    queue.counts[queue.head] = waiting - taken;
  } else {
    queue.head = (queue.head + 1) % queue.counts.length;
    queue.groups -= 1;
  }
  return taken;
}

function enlarge(queue: Queue): void {
  const { arrivals, counts, head } = queue;
  const length = counts.length;
  queue.arrivals = new Float64Array(length * 2);
  queue.counts = new Float64Array(length * 2);
  for (let i = 0; i < length; i += 1) {
    queue.arrivals[i] = arrivals[(head + i) % length] ?? 0;
    queue.counts[i] = counts[(head + i) % length] ?? 0;
  }
  queue.head = 0;
}
