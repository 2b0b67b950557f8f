import type { MetricAnswer, MetricSource } from '../../src/ports/metric-source.js';
import { modelLoadProfile, servedProfile } from '../../src/policy/beside-signal.js';
import type { GoldenCase, GoldenRow } from './cases.js';

/** What one reading gives for a case: the rows of its namespaces, comparable with the golden ones. */
export async function readRows(source: MetricSource, golden: GoldenCase): Promise<GoldenRow[]> {
  const { profile, byModel, namespaces } = golden;
  const answer = await source.read({ profile, byModel });
  return series(answer)
    .filter(({ namespace }) => namespaces.includes(namespace))
    .map(({ namespace, service, model, sample: { pod, value, weight } }) => ({
      ...(namespace === namespaces[0] ? {} : { namespace }),
      ...(pod === null ? {} : { pod }),
      ...(service === null ? {} : { service }),
      ...(model === null ? {} : { model }),
      value,
      ...(weight === undefined ? {} : { weight }),
    }))
    .sort(byOwner);
}

/** What profiles may say beside the signal, as golden cases have it. */
export const BESIDE = [
  ['served', servedProfile],
  ['modelLoad', modelLoadProfile],
] as const;

/** The same of what its pods report beside the signal. */
export function readBeside(
  source: MetricSource,
  golden: GoldenCase,
  [what, profileOf]: (typeof BESIDE)[number],
): Promise<GoldenRow[]> {
  const profile = profileOf(golden.profile);
  if (profile === null) throw new Error(`${golden.name}: the profile does not say ${what}`);
  return readRows(source, { ...golden, profile });
}

/** The pods of the case that are up. */
export async function readAlive(
  source: MetricSource,
  { profile, namespaces }: GoldenCase,
): Promise<string[]> {
  const answer = await source.read({ profile, byModel: false, part: 'alive' });
  return series(answer)
    .filter(({ namespace }) => namespaces.includes(namespace))
    .map(({ sample }) => sample.pod ?? '')
    .sort();
}

/** The same rows, with each number that is close enough replaced by the golden one: what differs then shows. */
export function snapped(
  rows: readonly GoldenRow[],
  expected: readonly GoldenRow[],
  tolerance: number,
): GoldenRow[] {
  const golden = new Map(expected.map((row) => [owner(row), row]));
  const near = (got: number, wanted: number | undefined) =>
    wanted !== undefined && Math.abs(got - wanted) <= tolerance * Math.abs(wanted) ? wanted : got;
  return rows.map((row) => {
    const wanted = golden.get(owner(row));
    return {
      ...row,
      value: near(row.value, wanted?.value),
      ...(row.weight === undefined ? {} : { weight: near(row.weight, wanted?.weight) }),
    };
  });
}

export function byOwner(a: GoldenRow, b: GoldenRow): number {
  return owner(a) < owner(b) ? -1 : 1;
}

function owner({ namespace, pod, service, model }: GoldenRow): string {
  return JSON.stringify([namespace, pod, service, model]);
}

function series(answer: MetricAnswer) {
  if (answer.kind === 'failed') throw new Error(answer.why);
  return answer.series;
}
