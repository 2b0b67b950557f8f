import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../../src/policy/manifest/manifests.js';

const MINIMAL = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: llama
  namespace: chat
spec:
  scaleTargetRef:
    name: llama
  triggers:
    - type: external-push
      metadata:
        scalerAddress: pilotlight.keda:50051
        profile: vllm-concurrency
`;

function only(text: string) {
  const { manifests, problems } = parseManifests(text, 'so.yaml');
  expect(problems).toEqual([]);
  expect(manifests).toHaveLength(1);
  return manifests[0]!;
}

function messages(text: string): string[] {
  return parseManifests(text, 'so.yaml').problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );
}

describe('which objects are read', () => {
  it('finds ScaledObjects among other documents and counts the others', () => {
    const text = `# a header\n---\nkind: Service\napiVersion: v1\nmetadata: {name: a}\n---\n${MINIMAL}---\n---\n${MINIMAL}`;
    const { manifests, problems, others } = parseManifests(text, 'so.yaml');
    expect(problems).toEqual([]);
    expect(manifests.map(({ object }) => object)).toEqual(['chat/llama', 'chat/llama']);
    expect(
      manifests.map(({ lineOf }) => lineOf(['spec', 'triggers', 0, 'metadata', 'profile']).line),
    ).toEqual([19, 34]);
    expect(others).toBe(1);
  });

  it('looks into a List and keeps the lines', () => {
    const indented = MINIMAL.split('\n').map((line) => `    ${line}`);
    const text = `apiVersion: v1\nkind: List\nitems:\n  - kind: ConfigMap\n    apiVersion: v1\n  -\n${indented.join('\n')}`;
    const manifest = only(text);
    expect(manifest.lineOf(['metadata', 'name'])).toEqual({ line: 10, column: 7 });
    expect(parseManifests(text, 'so.yaml').others).toBe(1);
  });

  it('passes over a ScaledObject of another API group or version', () => {
    const { manifests, others } = parseManifests(MINIMAL.replace('keda.sh', 'keda.k8s.io'), 'so.yaml');
    expect(manifests).toEqual([]);
    expect(others).toBe(1);
  });

  it('names the namespace default where the manifest has none', () => {
    expect(only(MINIMAL.replace('  namespace: chat\n', '')).object).toBe('default/llama');
  });
});

describe('values', () => {
  it('resolves anchors and merge keys', () => {
    const text = MINIMAL.replace('metadata:\n        scaler', 'metadata: &m\n        scaler').concat(
      '    - type: external\n      metadata:\n        <<: *m\n        target: "3"\n',
    );
    expect(only(text).scaledObject.spec.triggers[1]?.metadata).toEqual({
      scalerAddress: 'pilotlight.keda:50051',
      profile: 'vllm-concurrency',
      target: '3',
    });
  });

  it('takes a null field as absent and ignores fields it does not know', () => {
    const spec = 'spec:\n  advanced:\n  minReplicaCount: ~\n  novelty: {a: [1]}\n';
    expect(only(`${MINIMAL.replace('spec:\n', spec)}        target:\n`).scaledObject.spec).toEqual({
      scaleTargetRef: { name: 'llama' },
      triggers: [
        {
          type: 'external-push',
          metadata: { scalerAddress: 'pilotlight.keda:50051', profile: 'vllm-concurrency' },
        },
      ],
    });
  });

  it.each([
    ['0', 0],
    ['"0.05"', 0.05],
    ['100m', 0.1],
    ['.5', 0.5],
  ])('reads the tolerance %s as %d', (written, value) => {
    const text = MINIMAL.replace(
      'spec:\n',
      `spec:\n  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleUp: {tolerance: ${written}}}}}\n`,
    );
    const behavior = only(text).scaledObject.spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
    expect(behavior?.scaleUp?.tolerance).toBeCloseTo(value, 12);
  });
});

describe('what is refused', () => {
  it.each([
    ['5', 'the number 5', '5'],
    ['on', 'the boolean on', 'on'],
    ['Yes', 'the boolean Yes', 'Yes'],
    ['true', 'the boolean true', 'true'],
  ])('an unquoted %s in the metadata', (written, got, quoted) => {
    expect(messages(`${MINIMAL}        target: ${written}\n`)).toEqual([
      `14:9 spec.triggers[0].metadata.target: got ${got}, expected a string: write "${quoted}", in quotes`,
    ]);
  });

  it.each([
    ['minReplicaCount: "1"', '7:3 spec.minReplicaCount: got "1", expected a whole number ≥ 0'],
    ['maxReplicaCount: 0', '7:3 spec.maxReplicaCount: got the number 0, expected a whole number ≥ 1'],
    ['cooldownPeriod: 30s', '7:3 spec.cooldownPeriod: got "30s", expected a whole number ≥ 0'],
    [
      'fallback: {replicas: 1}',
      '7:3 spec.fallback.failureThreshold: got nothing, expected a whole number ≥ 0',
    ],
    ['advanced: []', '7:3 spec.advanced: got a list, expected a mapping'],
  ])('%s', (line, message) => {
    expect(messages(MINIMAL.replace('spec:\n', `spec:\n  ${line}\n`))).toContain(message);
  });

  it('no triggers', () => {
    const text = `${MINIMAL.slice(0, MINIMAL.indexOf('  triggers:'))}  triggers: []\n`;
    expect(messages(text)).toEqual(['9:3 spec.triggers: got a list, expected at least one trigger']);
  });

  it('broken YAML, once a document, and the other documents are still read', () => {
    const { manifests, problems } = parseManifests(`a: [1\n---\n${MINIMAL}`, 'so.yaml');
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^not YAML that kubectl can read: /),
    ]);
    expect(manifests).toHaveLength(1);
  });

  it('a template, and says to render it', () => {
    const [problem] = messages('{{- if .Values.x }}\nkind: ScaledObject\n{{- end }}\n');
    expect(problem).toMatch(/a template\? render it first: helm template/);
  });

  it('aliases that multiply without bound', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de']) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 10 }, () => `*${from}`).join(',')}]`);
    }
    expect(messages(bomb.join('\n'))).toEqual([expect.stringMatching(/alias/i)]);
  });
});

describe('lineOf', () => {
  const manifest = only(MINIMAL);

  it('points at the key', () => {
    expect(manifest.lineOf(['spec', 'triggers', 0, 'metadata', 'profile'])).toEqual({ line: 13, column: 9 });
  });

  it('points at the list item', () => {
    expect(manifest.lineOf(['spec', 'triggers', 0])).toEqual({ line: 10, column: 7 });
  });

  it('falls back to the nearest ancestor', () => {
    expect(manifest.lineOf(['spec', 'triggers', 0, 'metadata', 'query', 'x'])).toEqual({
      line: 11,
      column: 7,
    });
    expect(manifest.lineOf(['spec', 'triggers', 7])).toEqual({ line: 9, column: 3 });
    expect(manifest.lineOf(['nothing'])).toEqual({ line: 1, column: 1 });
  });
});

describe('any text', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('spec:', '  - ', '\n', '---\n', '*a', '&a ', '<<: ', '{', '[', '"', ': ', MINIMAL),
  );

  it('never throws, and every place is inside the text', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const lines = text.split('\n').length;
        const { manifests, problems } = parseManifests(text, 'so.yaml');
        const places = [...problems, ...manifests.map(({ lineOf }) => lineOf(['spec', 'triggers']))];
        for (const { line, column } of places) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
