import { MINUTE, type Millis } from '../core/time.js';
import type { Clock } from '../ports/clock.js';
import { isAllowed } from '../signals/prometheus/allow-list.js';
import { createPrometheusSource, type PrometheusSource } from '../signals/prometheus/source.js';
import type { PrometheusAt } from './questions.js';
import type { Settings } from './settings.js';

/** Tenants may name paths below an allowed address, and each is a source of its own: they must not fill the memory. */
const MOST = 100;
/** Longer than the registry remembers a trigger that nobody asks about. */
const UNUSED_FOR: Millis = 15 * MINUTE;

export interface TenantsPrometheis {
  /** Null when the address is not on the allow list, or when tenants use too many paths of it. */
  at(address: string): PrometheusAt | null;
  close(): void;
}

/** The Prometheus servers that triggers name in `prometheusAddress`. */
export function openTenantsPrometheis(
  settings: Settings,
  own: PrometheusSource | null,
  clock: Clock,
): TenantsPrometheis {
  const { prometheus: ownUrl = '', allowPrometheus, rateWindow: window } = settings;
  const others = new Map<string, { readonly source: PrometheusSource; readonly usedAt: Millis }>();

  function closeUnused(now: Millis): void {
    for (const [url, { source, usedAt }] of others) {
      if (now - usedAt <= UNUSED_FOR) continue;
      source.close();
      others.delete(url);
    }
  }

  return {
    at(address) {
      const allowed = isAllowed(address, [ownUrl, ...allowPrometheus]);
      if (!allowed.ok) return null;
      const { url } = allowed;
      if (own !== null && isSame(url, ownUrl)) return { url: '', source: own };
      const now = clock.now();
      closeUnused(now);
      // What the operator has listed by itself is always served: only what tenants add to it is bounded.
      const isListed = allowPrometheus.some((each) => isSame(url, each));
      const known = others.get(url);
      if (known === undefined && others.size >= MOST && !isListed) return null;
      // The server's credentials stay with the server's own Prometheus.
      const source = known?.source ?? createPrometheusSource({ url, clock, window });
      others.set(url, { source, usedAt: now });
      return { url, source };
    },
    close() {
      for (const { source } of others.values()) source.close();
    },
  };
}

/** @param normalised as `isAllowed` gives it */
function isSame(normalised: string, url: string): boolean {
  const other = isAllowed(url, [url]);
  return other.ok && other.url === normalised;
}
