import { isExternal } from '../policy/manifest/our-triggers.js';
import type { ScaleTrigger } from '../policy/manifest/scaled-object.js';
import { record, text, type JsonRecord } from './objects/json.js';
import type { Sink } from './watch/resource.js';

/** About 1 MB. */
const MOST = 10_000;
const LONGEST = 100;

/**
 * The `scalerAddress` of ScaledObjects with external triggers of which none names this scaler: in most clusters those of
 * others, and where `--scaler-address` is wrong our own, which would else be missing without a word.
 */
export class ForeignAddresses {
  readonly #ours: ReadonlySet<string>;
  /** By `namespace/name`. */
  readonly #known = new Map<string, string>();
  readonly #told = new Set<string>();

  /** @param ours in lower case */
  constructor(ours: ReadonlySet<string>) {
    this.#ours = ours;
  }

  /** Why a ScaledObject is not ours, in one line; null: it is, or is not there. */
  why(key: string): string | null {
    const address = this.#known.get(key);
    if (address === undefined) return null;
    const ours = [...this.#ours].map((each) => `"${each}"`).join(', ');
    return `its scalerAddress is "${address}", and --scaler-address names only ${ours}`;
  }

  /** The same, but each ScaledObject once. */
  whyOnce(key: string): string | null {
    const why = this.#told.has(key) ? null : this.why(key);
    if (why === null) return null;
    if (this.#told.size >= MOST) this.#told.clear();
    this.#told.add(key);
    return why;
  }

  /** A sink that looks at each object on its way to another. */
  beside(sink: Sink): Sink {
    let listed = new Set<string>();
    const mine = new Set<string>();
    const drop = (key: string) => {
      mine.delete(key);
      listed.delete(key);
      this.#known.delete(key);
    };
    return {
      begin: () => {
        listed = new Set();
        sink.begin();
      },
      put: (object) => {
        const [key, address] = [keyOf(object), this.#foreignOf(object)];
        if (address === null) drop(key);
        else if (this.#known.has(key) || this.#known.size < MOST) {
          listed.add(key);
          mine.add(key);
          this.#known.set(key, address);
        }
        return sink.put(object);
      },
      remove: (object) => {
        drop(keyOf(object));
        sink.remove(object);
      },
      end: () => {
        for (const key of mine) if (!listed.has(key)) drop(key);
        sink.end();
      },
      size: () => sink.size(),
    };
  }

  #foreignOf(object: JsonRecord): string | null {
    const triggers = record(object['spec'])['triggers'];
    const addresses = (Array.isArray(triggers) ? triggers : []).flatMap((each) => {
      const { type, metadata } = record(each);
      const address = text(record(metadata)['scalerAddress']);
      return address !== null && isExternal({ type: text(type) ?? '' } as ScaleTrigger) ? [address] : [];
    });
    if (addresses.some((each) => this.#ours.has(each.toLowerCase()))) return null;
    return addresses[0]?.slice(0, LONGEST) ?? null;
  }
}

function keyOf(object: JsonRecord): string {
  const { namespace, name } = record(object['metadata']);
  return `${text(namespace) ?? 'default'}/${text(name) ?? ''}`;
}
