import { stepOf, type Step } from '../../../src/replay/calibrate/step.js';

/** A replica whose truth is known: so many slots, each held so long. */
export interface Replica {
  readonly slots: number;
  /** Seconds. */
  readonly serviceTime: number;
}

/**
 * What a closed loop measures: N clients that send the next request when the last is answered keep min(N, slots) slots
 * busy, whatever the spread of the service times, so X(N) = min(N, slots) ÷ S exactly, and R = N ÷ X.
 *
 * @param noise throughput at each step is off by this factor
 */
export function closedLoop(
  { slots, serviceTime }: Replica,
  concurrencies: readonly number[],
  noise: readonly number[] = [],
): Step[] {
  return concurrencies.map((load, index) => {
    const throughput = (Math.min(load, slots) / serviceTime) * (noise[index] ?? 1);
    return stepOf({
      place: `test:${index + 2}`,
      held: 'concurrency',
      load,
      throughput,
      p99: load / throughput,
    });
  });
}

/**
 * What an open loop measures at rates below and above what M/M/c can serve: the mean latency by Erlang's C, and above
 * capacity a throughput that stays behind.
 */
export function openLoop({ slots, serviceTime }: Replica, rates: readonly number[]): Step[] {
  const capacity = slots / serviceTime;
  return rates.map((load, index) => {
    const place = `test:${index + 2}`;
    if (load >= capacity)
      return stepOf({ place, held: 'rate', load, throughput: capacity, mean: 60, p99: 120 });
    const wait = erlangC(slots, load * serviceTime) / (capacity - load);
    const mean = serviceTime + wait;
    return stepOf({ place, held: 'rate', load, throughput: load, mean, p99: 5 * mean });
  });
}

/** The share of requests that wait, for `offered` = rate × service time < slots (Erlang's C by his recursion for B). */
function erlangC(slots: number, offered: number): number {
  let blocked = 1;
  for (let servers = 1; servers <= slots; servers += 1)
    blocked = (offered * blocked) / (servers + offered * blocked);
  const idle = 1 - offered / slots;
  return blocked / (idle + blocked * (1 - idle));
}
