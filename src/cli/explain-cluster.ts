import { z } from 'zod';
import { inWords } from '../core/time.js';

/** What the cluster says of a workload, as the admin API shows it, in lines for an operator. */

const leadTime = z.object({ p90: z.number(), samples: z.number() }).nullable();

export const clusterSchema = z.object({
  facts: z
    .object({
      replicas: z.object({
        current: z.number(),
        ready: z.number(),
        starting: z.number(),
        pending: z.number(),
      }),
      waiting: z.array(z.object({ reason: z.string(), pods: z.number(), detail: z.string().nullable() })),
      paused: z.boolean(),
    })
    .nullable(),
  why: z.string().nullable(),
  leadTimes: z.object({ warmNode: leadTime, coldNode: leadTime }).nullable(),
  share: z.object({ wanted: z.number(), granted: z.number(), why: z.string().nullable() }).nullable(),
  cost: z
    .object({
      perHour: z.number(),
      complete: z.boolean(),
      currency: z.string(),
      alwaysOn: z.number().nullable(),
    })
    .nullable(),
});
type ClusterAnswer = z.infer<typeof clusterSchema>;

/** None without access to the cluster. */
export function clusterLines(cluster: ClusterAnswer | null): string[] {
  if (cluster === null) return [];
  const { share, leadTimes } = cluster;
  return [
    ...factLines(cluster),
    ...(share === null ? [] : [`granted    ${share.granted}${share.why === null ? '' : `: ${share.why}`}`]),
    ...leadTimeLine(leadTimes),
    ...costLine(cluster),
  ];
}

function factLines({ facts, why }: ClusterAnswer): string[] {
  if (facts === null) return [`cluster    not known: ${why ?? 'no reason given'}`];
  const { current, ready, starting, pending } = facts.replicas;
  const paused = facts.paused ? ', paused' : '';
  return [
    `cluster    ${current} asked for: ${ready} ready, ${starting} starting, ${pending} pending${paused}`,
    ...facts.waiting.map(
      ({ reason, pods, detail }) => `           ${pods} ${reason}${detail === null ? '' : `: ${detail}`}`,
    ),
  ];
}

function leadTimeLine(times: ClusterAnswer['leadTimes']): string[] {
  const said = [
    ['on a warm node', times?.warmNode] as const,
    ['on a new node', times?.coldNode] as const,
  ].flatMap(([where, time]) =>
    time === null || time === undefined ? [] : [`${inWords(time.p90)} ${where} (${time.samples} starts)`],
  );
  return said.length === 0 ? [] : [`starts     p90 ${said.join(', ')}`];
}

function costLine({ cost }: ClusterAnswer): string[] {
  if (cost === null) return [];
  const { perHour, complete, currency, alwaysOn } = cost;
  const least = complete ? '' : 'at least ';
  const beside = alwaysOn === null ? '' : `, ${alwaysOn.toFixed(2)} with its most replicas always on`;
  return [`cost       ${least}${perHour.toFixed(2)} ${currency}/h${beside}`];
}
