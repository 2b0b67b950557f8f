import { PART_LABEL, type Part } from '../../policy/promql.js';
import { label, type Element } from './element.js';

/** What an element's labels say of whose it is. */
export interface Owner {
  readonly namespace: string;
  readonly pod: string | null;
  readonly service: string | null;
  readonly model: string | null;
}

/** A series: what has equal labels, whatever the part. Numbered from 0 in the order in which they were first seen. */
export interface Row {
  readonly index: number;
  /** Null: it names no namespace or no pod (or service), so that it belongs to no workload. */
  readonly owner: Owner | null;
}

export interface Place {
  readonly row: Row;
  /** Null: the label that tells the parts apart is missing. */
  readonly part: Part | null;
}

/** Labels as they stood in a body, one character a byte. */
export interface Known {
  readonly text: string;
  readonly place: Place;
  /** What came after it last time: answers keep their order, and comparing is cheaper than looking up. */
  next: Known | null;
}

/** Label sets of one question, remembered from answer to answer: nearly all are the same at each tick. */
export interface LabelSets {
  /**
   * The labels that stand at a position of a body and reach to the mark; null when there is no mark, or no JSON object
   * before it.
   *
   * @param after what was read before them, where that is known
   */
  at(body: string, from: number, mark: string, after: Known | null): Known | null;
  of(labels: Element['labels']): Place;
  /** Rows known so far. */
  rows(): number;
  /** Texts remembered. */
  size(): number;
  /** How often `at` has been asked so far. */
  used(): number;
}

export function createLabelSets(ownerOf: (labels: Element['labels']) => Owner | null): LabelSets {
  const byText = new Map<string, Known>();
  const rows = new Map<string, Row>();
  let used = 0;

  function of(labels: Element['labels']): Place {
    const key = keyOf(labels);
    const row = rows.get(key) ?? { index: rows.size, owner: ownerOf(labels) };
    rows.set(key, row);
    const part = labels[PART_LABEL];
    return { row, part: isPart(part) ? part : null };
  }

  function remember(text: string): Known | null {
    const bytes = Buffer.from(text, 'latin1');
    const labels = objectOf(bytes.toString('utf8'));
    if (labels === null) return null;
    // A copy: a part of the body would keep the whole of it in memory.
    const known = { text: bytes.toString('latin1'), place: of(labels), next: null };
    byText.set(known.text, known);
    return known;
  }

  return {
    of,
    at(body, from, mark, after) {
      used += 1;
      const guess = after?.next ?? null;
      if (
        guess !== null &&
        body.startsWith(guess.text, from) &&
        body.startsWith(mark, from + guess.text.length)
      )
        return guess;
      const end = body.indexOf(mark, from);
      if (end === -1) return null;
      const text = body.slice(from, end);
      const known = byText.get(text) ?? remember(text);
      if (after !== null && known !== null) after.next = known;
      return known;
    },
    rows: () => rows.size,
    size: () => byText.size,
    used: () => used,
  };
}

/** So many texts may be remembered without need, besides as many again as the last answer had. */
const SPARE = 1000;

/**
 * The label sets of one question over its answers: gives those for the next one. They are begun anew once more than half
 * of them are of pods that the last answer did not have; who still reads an older answer keeps the old ones.
 */
export function rememberedLabelSets(create: () => LabelSets): () => LabelSets {
  let sets = create();
  let before = 0;
  return () => {
    const used = sets.used() - before;
    // An attempt that brought nothing tells nothing of the pods.
    if (used > 0 && sets.size() > 2 * used + SPARE) sets = create();
    before = sets.used();
    return sets;
  };
}

/**
 * The labels apart from the part. The metric's name does not count: a value may have kept it, its time never has.
 * Prometheus writes labels in the order of their names, so equal sets give equal keys.
 */
function keyOf(labels: Element['labels']): string {
  let key = '';
  for (const name in labels)
    if (name !== PART_LABEL && name !== '__name__') key += `${name}\u0000${String(labels[name])}\u0000`;
  return key;
}

function isPart(text: unknown): text is Part {
  return text === 'value' || text === 'at' || text === 'weight';
}

function objectOf(json: string): Element['labels'] | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Element['labels']) : null;
  } catch {
    return null; // whoever reads it as a whole says what is wrong with it
  }
}

/** Reads whose a series is by its pod or Service, and by its model where that was asked for. */
export function ownerReader(
  perPod: boolean,
  modelLabel: string | undefined,
): (labels: Element['labels']) => Owner | null {
  return (labels) => {
    const namespace = label(labels, 'namespace');
    const name = label(labels, perPod ? 'pod' : 'service');
    if (namespace === null || name === null) return null;
    const model = modelLabel === undefined ? null : label(labels, modelLabel);
    return { namespace, pod: perPod ? name : null, service: perPod ? null : name, model };
  };
}
