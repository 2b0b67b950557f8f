import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { FIRING, QUIET, type Fires, type Input } from './alert-scenarios.js';
import { only, text } from './manifests.js';
import { rendered } from './render.js';

/** The rules as Prometheus takes them, through its own promtool: what fires, when, and what does not. */

const rule = z.strictObject({
  alert: z.string().regex(/^Pilotlight[A-Z]\w+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[mh]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string().regex(/\bFirst\b/) }),
});
const spec = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule).min(1) })),
});

const manifest = only(rendered('deploy/components/alerts'), 'PrometheusRule');
const rules = spec.parse(manifest.spec).groups.flatMap((group) => group.rules);
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-alerts-'));
const ruleFile = join(folder, 'rules.yaml');
writeFileSync(ruleFile, stringify(manifest.spec));
afterAll(() => rmSync(folder, { recursive: true }));

test('promtool takes the rules', () => {
  expect(execFileSync('promtool', ['check', 'rules', ruleFile], { encoding: 'utf8' })).toContain(
    `SUCCESS: ${rules.length} rules found`,
  );
});

test('a Prometheus that selects the ServiceMonitor selects the rules', () => {
  const monitor = only(rendered('deploy/components/servicemonitor'), 'ServiceMonitor');
  expect(manifest.metadata['labels']).toEqual(monitor.metadata['labels']);
});

test('expressions are of metrics that docs/metrics.md knows, and of no job in particular', () => {
  const documented = new Set(
    [...text('docs/metrics.md').matchAll(/^\| `(pilotlight_\w+)/gm)].map(([, name]) => name),
  );
  for (const { alert, expr } of rules) {
    const names = [...expr.matchAll(/pilotlight_\w+/g)].map(([name]) =>
      name.replace(/_seconds_(?:sum|count)$/, '_seconds'),
    );
    expect(names.length, alert).toBeGreaterThan(0);
    for (const name of names) expect(documented, alert).toContain(name);
    expect(expr, alert).not.toMatch(/\b(?:job|instance)\s*[=!]/);
  }
});

test('docs/metrics.md has every alert with its severity', () => {
  const rows = [...text('docs/metrics.md').matchAll(/^\| `(Pilotlight\w+)` +\| (\w+)/gm)];
  expect(rows.map(([, alert, severity]) => `${alert} ${severity}`).toSorted()).toEqual(
    rules.map(({ alert, labels }) => `${alert} ${labels.severity}`).toSorted(),
  );
});

test('every rule is tried', () => {
  expect(new Set(FIRING.map(({ alert }) => alert))).toEqual(new Set(rules.map(({ alert }) => alert)));
});

describe('fires, not a minute earlier, and nothing else with it', () => {
  test.each(FIRING.map((each, index) => [`${index} ${each.alert}`, each] as const))('%s', (_, fires) => {
    const { alert, input, at, also = [] } = fires;
    const others = rules.filter((each) => each.alert !== alert && !also.includes(each.alert));
    expect(
      tried(input, [
        { eval_time: `${at - 1}m`, alertname: alert, exp_alerts: [] },
        { eval_time: `${at}m`, alertname: alert, exp_alerts: [expected(fires)] },
        ...others.map((each) => ({ eval_time: `${at}m`, alertname: each.alert, exp_alerts: [] })),
      ]),
    ).toBe('');
  });
});

describe('is quiet', () => {
  test.each(QUIET)('%s', (_, input) => {
    const times = [35, 61, 100, 150];
    expect(
      tried(
        input,
        rules.flatMap(({ alert }) =>
          times.map((at) => ({ eval_time: `${at}m`, alertname: alert, exp_alerts: [] })),
        ),
      ),
    ).toBe('');
  });
});

/** The alert as Prometheus hands it on. */
function expected({ alert, labels, value }: Fires): object {
  const of = rules.find((each) => each.alert === alert);
  if (of === undefined) throw new Error(`no rule ${alert}`);
  const filled = (template: string) =>
    template
      .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? `no label ${label}`)
      .replaceAll(/\{\{ \$value[^}]*\}\}/g, value ?? 'no value');
  const { summary, description } = of.annotations;
  return {
    exp_labels: { ...labels, ...of.labels },
    exp_annotations: { summary: filled(summary), description: filled(description) },
  };
}

/** @returns what promtool found wrong, empty when nothing */
function tried(input: Input, cases: readonly object[]): string {
  const file = join(folder, 'test.yaml');
  const input_series = Object.entries(input).map(([name, values]) => ({ series: name, values }));
  const tests = [{ interval: '1m', input_series, alert_rule_test: cases }];
  writeFileSync(file, stringify({ rule_files: [ruleFile], evaluation_interval: '1m', tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}
