import { z } from 'zod';
import { readDocuments } from '../../policy/manifest/documents.js';
import type { ScaledObjectSpec } from '../../policy/manifest/scaled-object.js';

/** What a Deployment or StatefulSet says of its pods' GPUs; a limit of these is also the request. */
const scaleTarget = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(
          z.object({
            resources: z
              .object({ limits: z.record(z.string(), z.coerce.number().catch(0)).optional() })
              .optional(),
          }),
        ),
      }),
    }),
  }),
});

/** GPUs, or MIG instances, that a replica takes by its Deployment; null where the file has none that says so. */
export function replicaGpus(text: string, { scaleTargetRef }: ScaledObjectSpec): number | null {
  for (const { value } of readDocuments(text).objects) {
    const parsed = scaleTarget.safeParse(value);
    if (!parsed.success || parsed.data.metadata.name !== scaleTargetRef.name) continue;
    const limits = parsed.data.spec.template.spec.containers.flatMap(({ resources }) =>
      Object.entries(resources?.limits ?? {}),
    );
    const gpus = limits.reduce(
      (sum, [name, count]) => (name.startsWith('nvidia.com/') ? sum + count : sum),
      0,
    );
    return gpus > 0 ? gpus : null;
  }
  return null;
}
