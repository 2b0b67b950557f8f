import { inWords } from '../core/time.js';
import { problem, type Metadata, type MetadataProblem } from './metadata.js';
import type { Profile } from './profile.js';

/** Keys that only mean something beside another. */
export function checkCompanions(
  metadata: Metadata,
  chosen: readonly Profile[],
  wake: Profile | null,
  problems: MetadataProblem[],
): void {
  const all = wake === null ? chosen : [...chosen, wake];
  const asks = all.some((profile) => 'fromTrigger' in profile.prometheus);
  if (asks && metadata.query === undefined)
    problems.push(problem('query', '', 'PromQL (required by the profile)'));
  if (!asks && metadata.query !== undefined) {
    problems.push(
      problem('query', metadata.query, 'no query: the profile brings its own; profile promql takes one'),
    );
  }
  const queued = all.some((profile) => profile.series === 'queue');
  if (queued && metadata.queue === undefined) {
    problems.push(problem('queue', '', 'a BullMQ queue, NAME or PREFIX:NAME (required by the profile)'));
  }
  if (metadata.model !== undefined && !chosen.some((profile) => profile.model !== undefined)) {
    problems.push(
      problem('model', metadata.model, `no model: ${metadata.profile} does not tell models apart`),
    );
  }
  const { minReplicas, maxReplicas } = metadata;
  if (maxReplicas !== undefined && minReplicas > maxReplicas) {
    problems.push(
      problem('minReplicas', String(minReplicas), `at most maxReplicas, which is ${maxReplicas}`),
    );
  }
  checkForecast(metadata, problems);
  checkWindows(metadata, problems);
  checkDeadline(metadata, chosen, problems);
}

function checkForecast({ forecast, slo }: Metadata, problems: MetadataProblem[]): void {
  if (forecast === 'off' || slo !== undefined) return;
  const expected =
    'an slo beside it, such as 10s@99%: what a wait costs decides how far ahead is worth paying for';
  problems.push(problem('forecast', forecast, expected));
}

function checkWindows(
  { warmWindows, sleepWindows, timezone, maxReplicas = Infinity }: Metadata,
  problems: MetadataProblem[],
): void {
  const most = Math.max(0, ...(warmWindows ?? []).map(({ replicas }) => replicas));
  if (most > maxReplicas)
    problems.push(problem('warmWindows', String(most), `at most maxReplicas, which is ${maxReplicas}`));
  if (timezone !== undefined && warmWindows === undefined && sleepWindows === undefined)
    problems.push(problem('timezone', timezone, 'warmWindows or sleepWindows beside it'));
}

function checkDeadline(
  { deadline, serviceTime, profile }: Metadata,
  chosen: readonly Profile[],
  problems: MetadataProblem[],
): void {
  if (deadline === undefined) return;
  const given = inWords(deadline);
  if (!chosen.some(isBacklog)) {
    const expected = `no deadline: ${profile} does not count the jobs of a queue (an extensive profile with series queue does)`;
    problems.push(problem('deadline', given, expected));
  } else if (serviceTime === undefined) {
    problems.push(problem('deadline', given, 'serviceTime beside it: how long one job takes'));
  }
}

/** What waits in a queue adds up and can be worked off; what waits in pods goes with them. */
export function isBacklog({ kind, series }: Profile): boolean {
  return kind === 'extensive' && series === 'queue';
}
