/** The base of a model server's own API, as the operator gave it. */
export interface ServerAddress {
  readonly engine: 'triton' | 'tgi' | 'vllm';
  readonly url: string;
}

/** An endpoint in the Prometheus text format: a pod's own, or an exporter that reports for many pods. */
export type ScrapeTarget =
  | {
      readonly kind: 'pod';
      readonly namespace: string;
      readonly pod: string;
      readonly url: string;
      /** The model server behind it, for a warm-up's first request; absent where nobody said which it is. */
      readonly server?: ServerAddress;
    }
  /** `exporter` is the word a profile's `scrape.from` names, such as `dcgm`. */
  | { readonly kind: 'exporter'; readonly exporter: string; readonly url: string };

/** Which endpoints can be scraped directly. May change from call to call; answers from memory. */
export interface ScrapeTargets {
  list(): readonly ScrapeTarget[];
}
