import { DELETION_COST, type CostChange } from './deletion-cost.js';
import type { Writer } from './write.js';

/** A tick must not become a flood: what is left comes with the next. */
const AT_ONCE = 20;

export interface CostsWritten {
  /** What is on the pods now. */
  readonly written: readonly CostChange[];
  /** One line each; a pod that is gone is none. */
  readonly failures: readonly string[];
}

/** Writes the annotations, at most twenty a call. Never rejects. */
export async function writeDeletionCosts(
  writer: Writer,
  changes: readonly CostChange[],
): Promise<CostsWritten> {
  const written: CostChange[] = [];
  const failures: string[] = [];
  for (const change of changes.slice(0, AT_ONCE)) {
    const path = {
      group: '',
      version: 'v1',
      resource: 'pods',
      namespace: change.namespace,
      name: change.name,
    };
    try {
      await writer.merge(path, { metadata: { annotations: { [DELETION_COST]: String(change.cost) } } });
      written.push(change);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!why.includes('(404)')) failures.push(`${change.namespace}/${change.name}: ${why}`);
    }
  }
  return { written, failures };
}
