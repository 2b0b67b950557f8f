import { z } from 'zod';
import type { Decision } from '../core/decision.js';
import { inWords } from '../core/time.js';
import { askServer, SERVER, workloadNamed } from './admin-api.js';
import { clusterLines, clusterSchema } from './explain-cluster.js';
import { warmUpLines, warmUpsSchema } from './explain-warm-ups.js';
import { complain, parsed, print, table, type Command, type ExitCode } from './command.js';

export const explain: Command = {
  name: 'explain',
  summary: 'asks a running server why a workload has the replicas it has',
  usage: `pilotlight explain NAMESPACE/NAME [--server http://127.0.0.1:8080] [--token-file FILE] [--json]

Shows the last decision for a ScaledObject with its stages, inputs and their ages, the warm-ups to come and under way,
and what those before were good for. In a cluster:
kubectl -n pilotlight port-forward deploy/pilotlight 8080`,
  run: runExplain,
};

async function runExplain(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args, {
    server: { type: 'string', default: SERVER },
    'token-file': { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const response = await askServer(`/v1/workloads/${workloadNamed(positionals)}`, values);
  if (response.error !== null) {
    complain(`pilotlight explain: ${response.error}`);
    return 1;
  }
  if (values['json'] === true) print(JSON.stringify(response.body, null, 2));
  else {
    const { triggers, warmUps } = answer.parse(response.body);
    for (const trigger of triggers) print(inText(trigger));
    if (warmUps !== undefined) print(`\n${indented(warmUpLines(warmUps, Date.now()).join('\n'))}`);
  }
  return 0;
}

const answer = z.object({
  triggers: z.array(
    z.object({
      id: z.string(),
      profiles: z.array(z.string()),
      target: z.object({ kind: z.string(), name: z.string() }),
      metricSpecs: z.array(z.object({ name: z.string(), target: z.number() })),
      decision: z.custom<Decision>().nullable(),
      // A server of before had none.
      cluster: clusterSchema.nullish(),
    }),
  ),
  // A server of before had none.
  warmUps: warmUpsSchema.optional(),
});
type TriggerView = z.infer<typeof answer>['triggers'][number];

function inText({ id, profiles, target, decision, metricSpecs, cluster }: TriggerView): string {
  const head = `${id.split('/').slice(0, 2).join('/')} → ${target.kind}/${target.name}, by ${profiles.join(', ')}`;
  if (decision === null) return `${head}\n  not evaluated yet`;
  const { replicas } = decision;
  const lines = [
    head,
    `  ${decision.reason}`,
    '',
    `  verdict    ${decision.verdict}, ${decision.active ? 'active' : 'inactive'}, ${new Date(decision.at).toISOString()}`,
    `  replicas   ${replicas.current}: ${replicas.reporting} reporting, ${replicas.missing} silent, ${replicas.starting} starting (counted by ${replicas.source})`,
    `  published  ${publishedText(decision, metricSpecs)}`,
    ...clusterLines(cluster ?? null).map((line) => `  ${line}`),
    '',
    indented(signalTable(decision)),
    '',
    indented(
      table([
        ['STAGE', 'REPLICAS', 'WHY'],
        ...decision.stages.map((each) => [each.stage, String(each.replicas), each.why]),
      ]),
    ),
  ];
  return lines.join('\n');
}

/** What KEDA gets, which for a blind decision is no value. */
export function publishedText(
  { verdict, metrics, presumesZero }: Pick<Decision, 'verdict' | 'metrics' | 'presumesZero'>,
  metricSpecs: TriggerView['metricSpecs'],
): string {
  if (verdict === 'blind') return 'nothing: calls answer UNAVAILABLE, and KEDA keeps what there is';
  const values = metricSpecs.map(
    (spec, index) => `${spec.name} = ${metrics[index] ?? 0}, target ${spec.target}`,
  );
  // An HPA asks above zero replicas alone, and so proves the decision wrong.
  return `${values.join('; ')}${presumesZero ? '; nothing to the HPA, whose calls answer UNAVAILABLE' : ''}`;
}

function signalTable(decision: Decision): string {
  const rows = decision.signals.map((signal) => [
    signal.role === 'wake' ? `${signal.profile} (wake)` : signal.profile,
    signal.evidence,
    signal.raw === null ? '-' : `${Number(signal.raw.toPrecision(4))} ${signal.unit}`,
    String(Number(signal.target.toPrecision(4))),
    signal.demand === null ? '-' : String(Number(signal.demand.toPrecision(3))),
    String(signal.pods),
    signal.age === null ? '-' : inWords(signal.age),
    faultsOf(signal.faults),
  ]);
  return table([['SIGNAL', 'DATA', 'VALUE', 'TARGET', 'DEMAND', 'PODS', 'AGE', 'LEFT OUT'], ...rows]);
}

function faultsOf(faults: Decision['signals'][number]['faults']): string {
  const named = Object.entries(faults).filter(([, count]) => count > 0);
  return named.length === 0 ? '-' : named.map(([name, count]) => `${count} ${name}`).join(', ');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
