import type { Clock } from '../ports/clock.js';
import { isConflict } from './client/failure.js';
import { placeholderChanges, existingOf, type Existing } from './placeholders-diff.js';
import type { Hold } from './placeholders-plan.js';
import { PLACEHOLDER_LABEL, render, type PlaceholderConfig } from './placeholders-render.js';
import type { ObjectPath, Writer } from './write.js';

export interface PlaceholderFailure {
  /** `namespace/name` of the ScaledObject; null: it is all that failed. */
  readonly workload: string | null;
  /** One line. */
  readonly why: string;
}

export interface PlaceholdersReport {
  readonly applied: readonly string[];
  readonly deleted: readonly string[];
  /** What failed is tried again at the next call. */
  readonly failures: readonly PlaceholderFailure[];
}

/** Holds nodes with pods that make way. */
export interface Placeholders {
  /**
   * Makes the cluster's placeholders these. Never rejects. Calls must not overlap.
   *
   * @param holds null while it is not known which are wanted
   * @param isOurs as in `placeholderChanges`
   * @param stop no other object is changed once it is aborted
   */
  settle(
    holds: readonly Hold[] | null,
    isOurs?: (workload: string | null) => boolean,
    stop?: AbortSignal,
  ): Promise<PlaceholdersReport>;
}

export function openPlaceholders(writer: Writer, config: PlaceholderConfig, clock: Clock): Placeholders {
  return { settle: (holds, isOurs, stop) => settled(writer, config, clock, holds, isOurs, stop) };
}

async function settled(
  writer: Writer,
  config: PlaceholderConfig,
  clock: Clock,
  holds: readonly Hold[] | null,
  isOurs?: (workload: string | null) => boolean,
  stop?: AbortSignal,
): Promise<PlaceholdersReport> {
  const applied: string[] = [];
  const deleted: string[] = [];
  const failures: PlaceholderFailure[] = [];
  const existing: Existing[] = [];
  try {
    for (const collection of collectionsOf(config)) {
      for (const object of await writer.list(collection, PLACEHOLDER_LABEL)) {
        const found = existingOf(object, collection);
        if (found !== null) existing.push(found);
      }
    }
  } catch (error) {
    // Without knowing what is there nothing is changed: a deletion would be a guess.
    return { applied, deleted, failures: [{ workload: null, why: lineOf(error) }] };
  }
  for (const { path, trouble, workload } of existing)
    if (trouble !== null) failures.push({ workload, why: `${path.resource}/${path.name}: ${trouble}` });
  const wanted = holds === null ? null : holds.flatMap((hold) => render(hold, config));
  for (const change of placeholderChanges(existing, wanted, clock.now(), isOurs)) {
    if (stop?.aborted === true) break;
    const { path, workload } = change.kind === 'apply' ? change.rendered : change;
    const what = `${path.resource}/${path.name}: ${change.why}`;
    try {
      if (change.kind === 'delete') {
        await writer.remove(path);
        deleted.push(what);
      } else {
        await writer.apply(path, change.rendered.object, true);
        applied.push(what);
      }
    } catch (error) {
      if (isConflict(error)) continue;
      failures.push({ workload, why: `${path.resource}/${path.name}: ${lineOf(error)}` });
    }
  }
  return { applied, deleted, failures };
}

/** All kinds that the configuration may have made, before and after a change of it. */
function collectionsOf({ namespace, buffer }: PlaceholderConfig): Omit<ObjectPath, 'name'>[] {
  const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace };
  if (buffer === null) return [deployments];
  const [group = '', version = ''] = buffer.split('/');
  return [
    deployments,
    { group: '', version: 'v1', resource: 'podtemplates', namespace },
    { group, version, resource: 'capacitybuffers', namespace },
  ];
}

function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
