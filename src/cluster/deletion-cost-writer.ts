import { ApiFailure } from './client/failure.js';
import { DELETION_COST, type CostChange } from './deletion-cost.js';
import type { Writer } from './write.js';

export interface CostsWritten {
  /** What is on the pods now. */
  readonly written: readonly CostChange[];
  /** Each reason once, in one line, with the first pod that has it, as `namespace/name`; a pod that is gone is none. */
  readonly failures: readonly { readonly why: string; readonly pod: string }[];
  /** Where the next writes would fail too: those of the namespace, or all. The rest was not tried. Absent: all were. */
  readonly ends?: 'namespace' | 'all';
}

/** Writes the annotations of pods of one namespace. Never rejects. */
export async function writeDeletionCosts(
  writer: Writer,
  changes: readonly CostChange[],
): Promise<CostsWritten> {
  const written: CostChange[] = [];
  const failures: { why: string; pod: string }[] = [];
  for (const change of changes) {
    const { namespace, name, cost } = change;
    const path = { group: '', version: 'v1', resource: 'pods', namespace, name };
    try {
      await writer.merge(path, { metadata: { annotations: { [DELETION_COST]: String(cost) } } });
      written.push(change);
    } catch (error) {
      if (error instanceof ApiFailure && error.kind === 'missing') continue;
      const why = error instanceof Error ? error.message : String(error);
      if (failures.every((each) => each.why !== why)) failures.push({ why, pod: `${namespace}/${name}` });
      const ends = endOf(error);
      if (ends !== null) return { written, failures, ends };
    }
  }
  return { written, failures };
}

/** A server that does not answer takes ten seconds to say so: a hundred pods would be a quarter of an hour. */
function endOf(error: unknown): 'namespace' | 'all' | null {
  if (!(error instanceof ApiFailure)) return null;
  switch (error.kind) {
    case 'forbidden':
      return 'namespace';
    case 'unauthorized':
    case 'unreachable':
    case 'slow':
    case 'busy':
      return 'all';
    case 'missing':
    case 'gone':
    case 'refused':
    case 'conflict':
    case 'garbage':
    case 'ended':
      return null;
  }
}
