import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../../src/replay/pilotlight/manifest.js';
import { knobNamed } from '../../../src/replay/tune/knob.js';
import { withChanges } from '../../../src/replay/tune/write.js';
import { scaledObjectText } from './manifests.js';

const change = (name: string, value: string) => ({ knob: knobNamed(name), value });
const EXAMPLES = ['deploy/examples', 'examples'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => `${folder}/${file}`),
);

describe('withChanges', () => {
  it.each(EXAMPLES)('changes nothing in %s where there is nothing to change', (file) => {
    const text = readFileSync(file, 'utf8');
    expect(withChanges(text, []).file).toBe(text);
  });

  it('changes one line where the field is there, and keeps its comment and its quotes', () => {
    const text = scaledObjectText({ metadata: ['target: "2.8" # the knee', "burst: 'on'"] });
    const { file } = withChanges(text, [change('target', '3.5'), change('minReplicaCount', '1')]);
    const before = text.split('\n');
    const lines = file.split('\n').filter((line, index) => line !== before[index]);
    expect(lines).toEqual(['  minReplicaCount: 1', '        target: "3.5" # the knee']);
  });

  it('adds what is not there, strings in quotes and numbers without', () => {
    const text = scaledObjectText();
    const window = change('scaleDown.stabilizationWindowSeconds', '120');
    const { file } = withChanges(text, [change('burst', 'off'), window]);
    const { spec, metadata } = readManifest(file, 'changed.yaml');
    expect(metadata['burst']).toBe('off');
    expect(spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown).toEqual({
      stabilizationWindowSeconds: 120,
    });
    expect(file).toContain("burst: 'off'");
    for (const line of text.trimEnd().split('\n')) expect(file.split('\n')).toContain(line);
  });

  it('leaves lists where kubectl writes them, and the other documents of the file', () => {
    const other =
      '# the server\nkind: Deployment\nspec:\n  containers:\n  - name: a\n    args: ["-x",   "y"]\n---\n';
    const text = other + scaledObjectText().replaceAll(/^ {4}(?=[- ] )/gm, '  ');
    const { file, scaledObject } = withChanges(text, [change('cooldownPeriod', '900')]);
    expect(file).toContain('  triggers:\n  - type: external-push');
    expect(file).toContain('  containers:\n  - name: a\n');
    expect(scaledObject).not.toContain('Deployment');
    expect(scaledObject).toMatch(/^apiVersion: keda[^]*\n {2}cooldownPeriod: 900\n$/);
  });

  it('finds the ScaledObject in a list', () => {
    const item = scaledObjectText()
      .split('\n')
      .map((line) => (line === '' ? line : `    ${line}`))
      .join('\n')
      .replace('    apiVersion', '  - apiVersion');
    const text = `apiVersion: v1\nkind: List\nitems:\n${item}`;
    const { file } = withChanges(text, [change('target', '4')]);
    expect(readManifest(file, 'list.yaml').metadata['target']).toBe('4');
  });

  it('does not write into an alias, which other fields share', () => {
    const text = scaledObjectText()
      .replace('metadata:\n        scalerAddress', 'metadata: &shared\n        scalerAddress')
      .concat('---\n{}\n');
    expect(readManifest(withChanges(text, [change('target', '4')]).file, 'a.yaml').metadata['target']).toBe(
      '4',
    );
    const aliased = text
      .replace('metadata: &shared', 'metadata: *shared')
      .replace(/\n {8}[^]*?(?=---)/, '\n')
      .replace('spec:\n', 'x: &shared\n  profile: vllm-concurrency\nspec:\n');
    expect(() => withChanges(aliased, [change('target', '4')])).toThrow(
      /target: what holds it in the manifest is empty or an alias/,
    );
  });
});
