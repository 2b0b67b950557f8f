/**
 * Requests in service, counted per replica. A replica's lane is a column of a ring of `serviceTime` rows: requests that
 * start in a second leave when the ring comes round to the same row, since service takes the same time for all.
 */
export interface Lanes {
  readonly serviceTime: number;
  /** Requests in service by lane. */
  busy: Int32Array;
  /** Row-major: those that started in a row's second, by lane. */
  started: Int32Array;
  /** Sum of each row: most rows of a quiet load are empty and need no look. */
  readonly rowSum: Int32Array;
  /** Requests in service on all lanes. */
  inService: number;
  /** Lanes that no replica has. */
  readonly free: number[];
}

export function lanesFor(serviceTime: number): Lanes {
  return {
    serviceTime,
    busy: new Int32Array(0),
    started: new Int32Array(0),
    rowSum: new Int32Array(serviceTime),
    inService: 0,
    free: [],
  };
}

export function openLane(lanes: Lanes): number {
  if (lanes.free.length === 0) widen(lanes);
  return lanes.free.pop() ?? 0;
}

/** Only of a lane without requests in service. */
export function closeLane(lanes: Lanes, lane: number): void {
  lanes.free.push(lane);
}

export function busyIn(lanes: Lanes, lane: number): number {
  return lanes.busy[lane] ?? 0;
}

/** Whether any request ends in this second. */
export function anyEnds(lanes: Lanes, t: number): boolean {
  return lanes.rowSum[t % lanes.serviceTime] !== 0;
}

/** Ends the requests that started a service time ago. To be called each second in which `anyEnds`. */
export function endRequests(lanes: Lanes, t: number): void {
  const row = t % lanes.serviceTime;
  const width = lanes.busy.length;
  for (let lane = 0; lane < width; lane += 1) {
    const ended = lanes.started[row * width + lane] ?? 0;
    if (ended === 0) continue;
    lanes.busy[lane] = (lanes.busy[lane] ?? 0) - ended;
    lanes.started[row * width + lane] = 0;
  }
  lanes.inService -= lanes.rowSum[row] ?? 0;
  lanes.rowSum[row] = 0;
}

export function startRequests(lanes: Lanes, lane: number, requests: number, t: number): void {
  const row = t % lanes.serviceTime;
  const cell = row * lanes.busy.length + lane;
  lanes.busy[lane] = (lanes.busy[lane] ?? 0) + requests;
  lanes.started[cell] = (lanes.started[cell] ?? 0) + requests;
  lanes.rowSum[row] = (lanes.rowSum[row] ?? 0) + requests;
  lanes.inService += requests;
}

/**
 * Gives requests one after the other to the least loaded lane, the first of equals, as a least-request load balancer
 * does. Worked out like water poured over the lanes, so that a thousand requests in a second cost as little as ten.
 *
 * @param among lanes to choose from; not empty, and with room for all the requests
 */
export function startOnLeastBusy(lanes: Lanes, among: readonly number[], requests: number, t: number): void {
  if (requests === 1) {
    startRequests(lanes, leastBusy(lanes, among), 1, t);
    return;
  }
  const { level, left } = waterLevel(lanes, among, requests);
  let extra = left;
  for (const lane of among) {
    const busy = busyIn(lanes, lane);
    if (busy > level) continue;
    const given = level - busy + (extra > 0 ? 1 : 0);
    extra -= 1;
    if (given > 0) startRequests(lanes, lane, given, t);
  }
}

/** The first of those with the fewest requests. */
function leastBusy(lanes: Lanes, among: readonly number[]): number {
  let best = among[0] ?? 0;
  let least = busyIn(lanes, best);
  for (const lane of among) {
    const busy = busyIn(lanes, lane);
    if (busy >= least) continue;
    best = lane;
    least = busy;
  }
  return best;
}

/**
 * The load to which all lanes below it rise, and the requests that are left then: fewer than those lanes. The mean is
 * too high a guess while some lanes stand above it; without them it falls until it fits.
 */
function waterLevel(
  lanes: Lanes,
  among: readonly number[],
  requests: number,
): { level: number; left: number } {
  for (let level = Number.POSITIVE_INFINITY; ;) {
    let sum = requests;
    let count = 0;
    for (const lane of among) {
      const busy = busyIn(lanes, lane);
      if (busy > level) continue;
      sum += busy;
      count += 1;
    }
    const mean = Math.floor(sum / count);
    if (mean === level) return { level, left: sum - level * count };
    level = mean;
  }
}

/** Twice as many lanes. The ring is row-major, so every row moves. */
function widen(lanes: Lanes): void {
  const { busy, started, serviceTime } = lanes;
  const width = Math.max(8, busy.length * 2);
  lanes.busy = new Int32Array(width);
  lanes.busy.set(busy);
  lanes.started = new Int32Array(serviceTime * width);
  for (let row = 0; row < serviceTime; row += 1) {
    lanes.started.set(started.subarray(row * busy.length, (row + 1) * busy.length), row * width);
  }
  for (let lane = width - 1; lane >= busy.length; lane -= 1) lanes.free.push(lane);
}
