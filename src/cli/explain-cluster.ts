import { z } from 'zod';
import { inWords } from '../core/time.js';

/** What the cluster says of a workload, as the admin API shows it, in lines for an operator. */

const leadTime = z
  .object({
    p50: z.number(),
    p90: z.number(),
    parts: z.object({ schedule: z.number(), image: z.number(), start: z.number(), model: z.number() }),
    samples: z.number(),
  })
  .nullable();
const nodeLeadTime = z
  .object({
    p50: z.number(),
    p90: z.number(),
    parts: z.object({ provision: z.number(), device: z.number() }),
    samples: z.number(),
  })
  .nullable();
const leadTimes = z.object({ warmNode: leadTime, coldNode: leadTime }).nullable();

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
      tolerance: z.object({ up: z.number(), down: z.number() }),
      paused: z.boolean(),
    })
    .nullable(),
  why: z.string().nullable(),
  bounds: z.object({
    minReplicas: z.number(),
    maxReplicas: z.number().nullable(),
    idleReplicas: z.number().nullable(),
  }),
  leadTimes,
  modelLoad: z.number().nullable(),
  leadTime: z.number().nullable(),
  leadTimeFrom: z.enum(['trigger', 'own-starts', 'gpu-type']).nullable(),
  gpus: z.array(z.object({ type: z.string(), leadTimes, node: nodeLeadTime })),
  share: z
    .object({
      wanted: z.number(),
      granted: z.number(),
      why: z.string().nullable(),
      note: z.string().nullable(),
    })
    .nullable(),
  cost: z
    .object({
      perHour: z.number(),
      complete: z.boolean(),
      currency: z.string(),
      alwaysOn: z.number().nullable(),
    })
    .nullable(),
  inferences: z.object({ perSecond: z.number(), moneyPerThousand: z.number().nullable() }).nullable(),
});
type ClusterAnswer = z.infer<typeof clusterSchema>;

/** None without access to the cluster. */
export function clusterLines(cluster: ClusterAnswer | null): string[] {
  if (cluster === null) return [];
  return [
    ...factLines(cluster),
    ...shareLine(cluster),
    ...startLines(cluster),
    ...nodeLines(cluster),
    ...leadTimeLine(cluster),
    ...costLine(cluster),
  ];
}

/** Further lines stand below the first, under its text. */
function titled(title: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? title : '').padEnd(11)}${line}`);
}

function factLines({ facts, why, bounds }: ClusterAnswer): string[] {
  if (facts === null) return titled('cluster', [`not known: ${why ?? 'no reason given'}`]);
  const { current, ready, starting, pending } = facts.replicas;
  const { minReplicas, maxReplicas, idleReplicas } = bounds;
  const idle = idleReplicas === null ? '' : `, ${idleReplicas} when idle`;
  const most = maxReplicas === null ? 'without a limit' : `to ${maxReplicas}`;
  const { up, down } = facts.tolerance;
  const band = up === down ? inPercent(up) : `${inPercent(up)} up and ${inPercent(down)} down`;
  return [
    ...titled('cluster', [
      `${current} asked for: ${ready} ready, ${starting} starting, ${pending} pending${facts.paused ? ', paused' : ''}`,
      ...facts.waiting.map(
        ({ reason, pods, detail }) => `${pods} ${reason}${detail === null ? '' : `: ${detail}`}`,
      ),
    ]),
    ...titled('bounds', [`${minReplicas} ${most}${idle}; the HPA ignores changes within ${band}`]),
  ];
}

function inPercent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function shareLine({ share }: ClusterAnswer): string[] {
  if (share === null) return [];
  const { granted, why, note } = share;
  return titled('granted', [
    `${granted}${why === null ? '' : `: ${why}`}`,
    ...(note === null ? [] : [`not capped by GPUs: ${note}`]),
  ]);
}

function startLines({ leadTimes: times, modelLoad }: ClusterAnswer): string[] {
  const on = (where: string, waits: string, time: z.infer<typeof leadTime>): string[] => {
    if (time === null) return [];
    const { schedule, image, start, model } = time.parts;
    const loading = modelLoad === null ? '' : `, of it ${inWords(Math.min(modelLoad, model))} loading`;
    return [
      `on a ${where} node: p50 ${inWords(time.p50)}, p90 ${inWords(time.p90)} (${starts(time.samples)})`,
      `  mean: ${waits} ${inWords(schedule)}, image ${inWords(image)}, containers ${inWords(start)}, model ${inWords(model)}${loading}`,
    ];
  };
  return titled('starts', [
    ...on('warm', 'scheduling', times?.warmNode ?? null),
    ...on('new', 'node', times?.coldNode ?? null),
  ]);
}

function starts(count: number): string {
  return count === 1 ? '1 start' : `${count} starts`;
}

function nodeLines({ gpus }: ClusterAnswer): string[] {
  const lines = gpus.flatMap(({ type, node }) => {
    if (node === null) return [];
    const { p50, p90, parts, samples } = node;
    const seen = samples === 1 ? '1 node' : `${samples} nodes`;
    const mean = `mean: there after ${inWords(parts.provision)}, its GPUs after another ${inWords(parts.device)}`;
    return [`${type}: p50 ${inWords(p50)}, p90 ${inWords(p90)} (${seen}); ${mean}`];
  });
  return titled('new nodes', lines);
}

function leadTimeLine({ leadTime: length, leadTimeFrom: from, gpus }: ClusterAnswer): string[] {
  if (length === null || from === null) return [];
  return titled('lead time', [`${inWords(length)}, ${groundsOf(from, gpus)}`]);
}

function groundsOf(from: NonNullable<ClusterAnswer['leadTimeFrom']>, gpus: ClusterAnswer['gpus']): string {
  switch (from) {
    case 'trigger':
      return 'as the trigger says';
    case 'own-starts':
      return 'the longest p90 of its own starts';
    case 'gpu-type': {
      const types = gpus.flatMap(({ type, leadTimes: times }) => (times === null ? [] : [type]));
      return `the longest p90 of all starts on ${types.join(', ')}: too few of its own have been seen`;
    }
  }
}

function costLine({ cost, inferences }: ClusterAnswer): string[] {
  if (cost === null) return [];
  const { perHour, complete, currency, alwaysOn } = cost;
  const least = complete ? '' : 'at least ';
  const beside = alwaysOn === null ? '' : `, ${alwaysOn.toFixed(2)} with its most replicas always on`;
  return titled('cost', [
    `${least}${perHour.toFixed(2)} ${currency}/h${beside}`,
    ...perThousandLine(inferences, least, currency),
  ]);
}

function perThousandLine(inferences: ClusterAnswer['inferences'], least: string, currency: string): string[] {
  if (inferences === null) return [];
  const { perSecond, moneyPerThousand } = inferences;
  if (perSecond === 0) return ['no inferences in the last 5 min'];
  if (moneyPerThousand === null) return [];
  const money = Number(moneyPerThousand.toPrecision(3));
  const rate = Number(perSecond.toPrecision(3));
  return [`${least}${money} ${currency} for a thousand inferences, at ${rate} a second over 5 min`];
}
