import { z } from 'zod';

/**
 * A profile is data: how to read one signal and turn it into demand. One YAML file each in `scalers/`; `--scalers DIR`
 * adds a team's own. This schema is the single definition: `scalers/schema.json` is generated from it.
 */

const metricName = z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'a metric name');
const labelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a label name');
const duration = z
  .string()
  .regex(/^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/, 'a duration such as 90s, 5m or 1h30m')
  .refine((text) => text !== '', 'a duration such as 90s, 5m or 1h30m');

/** Metric names that mean the same, the first that is present wins: vendors rename. */
const names = z.array(metricName).min(1);
const where = z
  .record(labelName, z.union([z.array(z.string()).min(1), z.enum(['present', 'absent'])]))
  .describe(
    'Only series whose label has one of these values (a series without the label does not match), or has the label ' +
      'at all with a value that is not empty (`present`), or has it not or empty (`absent`).',
  );

/** Which samples of one name count: label → the values that match, or whether the label is there. */
export type Where = Record<string, string[] | 'present' | 'absent'>;

/**
 * How to work the signal out of one exposition. `sum`, `mean` and `max` take the samples of one pod as they are.
 * `increase` and `rate` compare with the scrape before: reset-aware, over the measured interval. `delta` does not know
 * resets, as PromQL's does not. `ratio` gives no value where `under` is 0.
 */
export type ScrapeExpression =
  | { sum: string[]; where?: Where | undefined }
  | { mean: string[]; where?: Where | undefined }
  | { max: string[]; where?: Where | undefined }
  | { rate: string[]; where?: Where | undefined }
  | { delta: string[]; over: string; where?: Where | undefined }
  | { constant: number }
  | { add: ScrapeExpression[] }
  | { subtract: [ScrapeExpression, ScrapeExpression] }
  | { multiply: [ScrapeExpression, ScrapeExpression] }
  | { ratio: [ScrapeExpression, ScrapeExpression] }
  | { clampMax: [ScrapeExpression, number] }
  | { first: ScrapeExpression[] };

const scrapeExpression: z.ZodType<ScrapeExpression> = z.lazy(() =>
  z.union([
    z.strictObject({ sum: names, where: where.optional() }),
    z.strictObject({ mean: names, where: where.optional() }),
    z.strictObject({ max: names, where: where.optional() }),
    z.strictObject({ rate: names, where: where.optional() }),
    z.strictObject({ delta: names, over: duration, where: where.optional() }),
    z.strictObject({ constant: z.number() }),
    z.strictObject({ add: z.array(scrapeExpression).min(2) }),
    z.strictObject({ subtract: z.tuple([scrapeExpression, scrapeExpression]) }),
    z.strictObject({ multiply: z.tuple([scrapeExpression, scrapeExpression]) }),
    z.strictObject({ ratio: z.tuple([scrapeExpression, scrapeExpression]) }),
    z.strictObject({ clampMax: z.tuple([scrapeExpression, z.number()]) }),
    z.strictObject({ first: z.array(scrapeExpression).min(2) }).describe('The first that has a value.'),
  ]),
);

const promql = z
  .string()
  .min(1)
  .describe(
    'PromQL for all workloads at once, one series per `{{by}}` (namespace and pod, or namespace and service; with the ' +
      'model label where the trigger names a model). `{{window}}` is the rate window of the server.',
  );

const prometheus = z.strictObject({
  value: promql,
  at: promql.describe('The timestamp of the youngest sample behind each value, grouped alike.'),
  weight: promql
    .optional()
    .describe(
      'What a value counts in the mean, grouped alike; for a time per request, the rate of requests.',
    ),
  alive: promql
    .optional()
    .describe(
      'Pods that are up, by namespace and pod, valued by the timestamp of the proof. Asked only when pods of a ' +
        'workload have no value: a pod that is up and has none counts as 0.',
    ),
});

const scrape = z.union([
  z.strictObject({
    from: z.literal('pod').describe("The pod's own endpoint."),
    port: z.int().min(1).max(65_535),
    path: z.string().startsWith('/').default('/metrics'),
    value: scrapeExpression,
    weight: scrapeExpression.optional(),
    otherwise: z
      .number()
      .optional()
      .describe('The value where the expression has none on a page that was served.'),
  }),
  z.strictObject({
    from: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/)
      .describe('An exporter that reports for many pods, by the word its targets carry.'),
    labels: z.strictObject({
      namespace: z.array(labelName).min(1),
      pod: z.array(labelName).min(1).optional(),
      service: z.array(labelName).min(1).optional(),
    }),
    value: scrapeExpression,
    weight: scrapeExpression.optional(),
    otherwise: z.number().optional(),
  }),
  z.strictObject({ none: z.string().min(1).describe('Why there is no direct form.') }),
]);

/** Read beside the signal, grouped as it is. */
const beside = z.strictObject({
  prometheus: z.strictObject({ value: promql, at: prometheus.shape.at }),
  scrape: scrapeExpression.describe('On the page that has the signal.'),
});

const served = beside.describe(
  'Requests that have left the pods so far, in whatever way, as they are counted (no rate): grouped as the signal. With ' +
    'the change of what is in the system they are the requests that came, which a forecast learns from; with prices they ' +
    'tell what a thousand of them cost. Asked only where a trigger forecasts or nodes have prices.',
);

const modelLoad = beside.describe(
  'Seconds that the model server itself says it took to load a pod’s models: the longest of them, since servers load ' +
    'several at once. It tells how much of a start is loading. Asked only with access to the cluster.',
);

export const profileSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 63'),
  summary: z.string().min(1).max(120).describe('One line for people who choose.'),
  unit: z.string().min(1),
  kind: z.enum(['extensive', 'intensive']),
  target: z
    .union([z.number().positive(), z.strictObject({ perSlot: z.number().positive() })])
    .optional()
    .describe(
      'What one replica should carry; `perSlot` times the trigger’s `slots`. Absent: the trigger must say.',
    ),
  activation: z.number().min(0).default(0),
  absence: z.enum(['unknown', 'idle']).default('unknown'),
  freshFor: duration
    .default('90s')
    .describe('How old a sample may be: collection and scrape interval, and one of them lost.'),
  series: z
    .enum(['pod', 'service', 'queue', 'workload'])
    .default('pod')
    .describe('What one series stands for.'),
  model: labelName.optional().describe('The label that holds the model, where the metric has one.'),
  wake: z.string().optional().describe('The profile that is read at zero replicas.'),
  simulate: z.enum([
    'queue',
    'running',
    'concurrency',
    'utilisation',
    'dutyCycle',
    'queueTime',
    'queueComputeRatio',
    'arrivals',
  ]),
  prometheus: z
    .union([
      prometheus,
      z.strictObject({ fromTrigger: z.literal('query') }),
      z.strictObject({ none: z.string().min(1) }),
    ])
    .describe('How Prometheus has it; `fromTrigger` takes the PromQL from that key of the trigger.'),
  scrape,
  served: served.optional(),
  modelLoad: modelLoad.optional(),
  source: z.strictObject({
    metric: z.string().min(1),
    vendor: z.string().min(1).describe('Who writes the metric and since or until which version.'),
    reference: z.string().optional(),
  }),
  caution: z
    .string()
    .optional()
    .describe('What goes wrong with this signal; `profiles NAME` and `lint` print it.'),
});

export type Profile = z.infer<typeof profileSchema>;
export type PrometheusForm = z.infer<typeof prometheus>;
export type ScrapeForm = Exclude<Profile['scrape'], { none: string }>;
