import { countCost, courseOf, isUnderWay, observe, rescale, serveSecond, type OnScale } from './course.js';
import { requestsBetween, type Load } from './load.js';
import type { ReplayPolicy } from './policy.js';
import { finishRecording, recordSecond, recordStart, type Recording } from './recording.js';
import { scoreOf, type Score } from './score.js';
import { checkSetup, replicaRate, type Setup } from './setup.js';
import { beginSecond, scale, workloadOf } from './workload.js';

/** The mean of the first ten minutes sizes the replicas of second 0, at this share of their capacity. */
const WARM_START_SECONDS = 600;
const WARM_START_UTILISATION = 0.7;

/**
 * Runs a load through a deployment that a policy scales, second by second. Within a second: requests end, drained
 * replicas and idle nodes go, replicas become ready, requests arrive and start, metrics are sampled, the policy decides.
 *
 * @param recording is filled with the run as it goes; null: nobody wants it
 * @throws RangeError for a setup that makes no sense
 */
export function simulate(
  load: Load,
  setup: Setup,
  policy: ReplayPolicy,
  onScale?: OnScale,
  recording: Recording | null = null,
): Score {
  checkSetup(setup);
  const workload = workloadOf(setup, startReplicas(load, setup, policy.minReplicas));
  const onStart = recording === null ? undefined : recordStart.bind(null, recording);
  const course = courseOf(load, workload, policy.sampling, onStart);
  const { sums } = course;
  let t = 0;
  for (; isUnderWay(course, t); t += 1) {
    beginSecond(workload, t);
    const arrivals = serveSecond(course, t);
    if (t % policy.every === 0) {
      const wanted = policy.tick(t, observe(course, t));
      if (wanted !== null) rescale(course, t, wanted, scale, onScale);
    }
    countCost(course, t);
    if (recording !== null) recordSecond(recording, workload, t, arrivals, sums.nodeSeconds);
  }
  if (recording !== null) finishRecording(recording, workload, t, sums.nodeSeconds);
  return scoreOf(sums, setup.slo);
}

/** Ready replicas at second 0, the same for every policy but for its minimum. */
export function startReplicas(load: Load, setup: Setup, minReplicas: number): number {
  const rate = requestsBetween(load, 0, WARM_START_SECONDS) / WARM_START_SECONDS;
  const wanted = Math.ceil(rate / replicaRate(setup) / WARM_START_UTILISATION - 1e-9);
  return Math.min(setup.maxReplicas, Math.max(minReplicas, wanted));
}
