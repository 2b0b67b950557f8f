import { servePrometheusApi, vectorOf, type PrometheusApi } from '../support/prometheus-api.js';
import type { Kubelet } from './kubelet.js';

/** A Prometheus that has scraped the pods which are Ready, with the load of each workload spread over its own. */
export class Load {
  /** Requests waiting, by `namespace/deployment`. */
  readonly waiting = new Map<string, number>();
  /** The pod that has all of its workload's. */
  readonly only = new Map<string, string>();
  readonly api: PrometheusApi;

  private constructor(api: PrometheusApi) {
    this.api = api;
  }

  static async serve(kubelet: Kubelet): Promise<Load> {
    const load: Load = new Load(
      await servePrometheusApi((promql, response) => {
        const asked = promql.includes('nv_inference_pending_request_count') && !promql.includes('offset');
        response.end(vectorOf(asked ? load.#series(kubelet) : []));
      }),
    );
    return load;
  }

  #series(kubelet: Kubelet) {
    return [...this.waiting].flatMap(([workload, total]) => {
      const [namespace = '', name = ''] = workload.split('/');
      const pods = kubelet.ready(namespace, name);
      const only = this.only.get(workload);
      return pods.map((pod) => {
        const share = only === undefined ? 1 / pods.length : Number(pod === only);
        return { labels: { namespace, pod }, value: total * share };
      });
    });
  }
}
