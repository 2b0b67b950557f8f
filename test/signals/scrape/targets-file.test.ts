import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTargetsFile, TargetsFileError } from '../../../src/signals/scrape/targets-file.js';
import { testClock } from './support.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-targets-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

function fault(contents: string, name = 'targets.yaml'): TargetsFileError {
  const path = write(name, contents);
  try {
    createTargetsFile(path, testClock());
  } catch (error) {
    if (error instanceof TargetsFileError) return error;
    throw error;
  }
  throw new Error('taken for a sound file');
}

const POD = '- targets: ["10.0.0.7:8002"]\n  labels: {namespace: inference, pod: triton-0}\n';

describe('a file of targets', () => {
  it('names pods and exporters as file_sd does', () => {
    const path = write(
      'targets.yaml',
      `${POD}- targets: ["10.0.1.1:9400", "[fd00::1]:9400"]
  labels: {exporter: dcgm, zone: a, namespace: monitoring}
- targets: [llm.internal]
  labels: {namespace: ns, pod: p, __scheme__: https, __metrics_path__: "/stats/prometheus?usedonly"}
`,
    );
    expect(createTargetsFile(path, testClock()).list()).toEqual([
      { kind: 'pod', namespace: 'inference', pod: 'triton-0', url: 'http://10.0.0.7:8002/metrics' },
      { kind: 'exporter', exporter: 'dcgm', url: 'http://10.0.1.1:9400/metrics' },
      { kind: 'exporter', exporter: 'dcgm', url: 'http://[fd00::1]:9400/metrics' },
      { kind: 'pod', namespace: 'ns', pod: 'p', url: 'https://llm.internal/stats/prometheus?usedonly' },
    ]);
  });

  it.each([
    ['triton', '', { engine: 'triton', url: 'http://10.0.0.7:8000' }],
    ['tgi', '', { engine: 'tgi', url: 'http://10.0.0.7:8002' }],
    ['vllm', ', api: "https://10.0.0.7:8443"', { engine: 'vllm', url: 'https://10.0.0.7:8443' }],
  ])('says which model server a pod is: %s%s', (engine, api, server) => {
    const entry = POD.replace('pod: triton-0', `pod: triton-0, engine: ${engine}${api}`);
    const [target] = createTargetsFile(write('targets.yaml', entry), testClock()).list();
    expect(target).toMatchObject({ kind: 'pod', url: 'http://10.0.0.7:8002/metrics', server });
  });

  it.each([
    ['engine: torch', 'expected triton, tgi or vllm in engine'],
    ['engine: tgi, api: "10.0.0.7:8000"', 'expected in api the address'],
    ['engine: tgi, api: "http://10.0.0.7/v1"', 'expected in api the address'],
    ['engine: tgi, api: "http://me@10.0.0.7"', 'expected in api the address'],
  ])('with %s is refused', (labels, message) => {
    expect(fault(POD.replace('pod: triton-0', `pod: triton-0, ${labels}`)).message).toContain(message);
  });

  it('may be JSON, and may be empty of targets', () => {
    const json = JSON.stringify([{ targets: ['a:1'], labels: { namespace: 'n', pod: 'p' } }]);
    expect(createTargetsFile(write('targets.json', json), testClock()).list()).toHaveLength(1);
    expect(createTargetsFile(write('none.json', '[]'), testClock()).list()).toEqual([]);
  });

  it.each<[string, number | null, string]>([
    ['targets: [a]', null, 'expected a list of {targets: [HOST:PORT], labels: {…}}'],
    ['', null, 'expected a list'],
    ['- targets: [\n', null, 'expected a list in JSON or YAML'],
    [`${POD}- targets: ["b:1"]\n`, 1, 'entry 1, labels: expected the labels namespace and pod'],
    [
      '- targets: ["b:1"]\n  labels: {pod: p}\n',
      0,
      'expected the labels namespace and pod, or the label exporter',
    ],
    ['- targets: ["b:1"]\n  labels: {pod: p, namespace: ""}\n', 0, 'expected the labels namespace and pod'],
    ['- targets: ["b:1"]\n  labels: {exporter: DCGM}\n', 0, 'such as dcgm'],
    ['- targets: ["b:1"]\n  labels: {exporter: dcgm, __param_x: y}\n', 0, '__param_x is not supported'],
    ['- targets: ["b:1"]\n  labels: {exporter: dcgm, __scheme__: ftp}\n', 0, 'http or https in __scheme__'],
    ['- targets: ["b:1"]\n  labels: {exporter: dcgm, __metrics_path__: m}\n', 0, 'to begin with "/"'],
    ['- targets: ["b:1"]\n  labels: {exporter: 5}\n', 0, 'labels.exporter: Invalid input: expected string'],
    [
      '- targets: ["http://b:1/metrics"]\n  labels: {exporter: dcgm}\n',
      0,
      'targets.0: expected HOST or HOST:PORT',
    ],
    ['- targets: ["user@b:1"]\n  labels: {exporter: dcgm}\n', 0, 'targets.0: expected HOST or HOST:PORT'],
    ['- targets: ["b:99999"]\n  labels: {exporter: dcgm}\n', 0, 'targets.0: expected HOST or HOST:PORT'],
    ['- targets: []\n  labels: {exporter: dcgm}\n', 0, 'entry 0, targets'],
    ['- target: ["b:1"]\n  labels: {exporter: dcgm}\n', 0, 'entry 0'],
  ])('%j is refused', (contents, entry, expected) => {
    const error = fault(contents);
    expect(error.entry).toBe(entry);
    expect(error.path).toBe(join(folder, 'targets.yaml'));
    expect(error.message).toContain(`${error.path}: `);
    expect(error.message).toContain(expected);
  });

  it('that is wrong in many places says so in a few lines', () => {
    const error = fault('- targets: ["b:1"]\n'.repeat(100));
    expect(error.message.split('\n')).toHaveLength(6);
    expect(error.message).toContain('and 95 more faults');
  });

  it('that is not there, or no file, is refused', () => {
    const clock = testClock();
    expect(() => createTargetsFile(join(folder, 'no'), clock)).toThrow('cannot be read (ENOENT)');
    expect(() => createTargetsFile(folder, clock)).toThrow('cannot be read (EISDIR)');
    expect(fault('not json', 'targets.json').message).toContain('expected a list in JSON or YAML');
  });
});

describe('a file that changes', () => {
  it('is read anew, at most once a second', () => {
    const path = write('targets.yaml', POD);
    const clock = testClock();
    const file = createTargetsFile(path, clock);
    const first = file.list();
    write('targets.yaml', POD + POD);
    clock.advance(999);
    expect(file.list()).toBe(first);
    clock.advance(1);
    expect(file.list()).toHaveLength(2);
    clock.advance(1000);
    expect(file.list()).toBe(file.list());
  });

  it('to something wrong stays as it was, and says why until it is right again', () => {
    const path = write('targets.yaml', POD);
    const clock = testClock();
    const file = createTargetsFile(path, clock);
    expect(file.problem()).toBeNull();
    write('targets.yaml', `${POD}- nonsense\n`);
    clock.advance(1000);
    expect(file.list()).toHaveLength(1);
    expect(file.problem()).toContain(`${path}: entry 1`);
    expect(file.problem()).toContain('the version before stays in use');
    clock.advance(1000);
    file.list();
    expect(file.problem()).not.toBeNull();
    write('targets.yaml', POD + POD + POD);
    clock.advance(1000);
    expect(file.list()).toHaveLength(3);
    expect(file.problem()).toBeNull();
  });

  it('may go and come back as it was', () => {
    const path = write('targets.yaml', POD);
    const clock = testClock();
    const file = createTargetsFile(path, clock);
    renameSync(path, `${path}.away`);
    clock.advance(1000);
    expect(file.list()).toHaveLength(1);
    expect(file.problem()).toContain('ENOENT');
    renameSync(`${path}.away`, path);
    clock.advance(1000);
    expect(file.list()).toHaveLength(1);
    expect(file.problem()).toBeNull();
  });

  it('by a link that points elsewhere, as Kubernetes swaps a ConfigMap', () => {
    const one = write('one', POD);
    const two = write('two', POD.replace('triton-0', 'triton-1'));
    const path = join(folder, 'targets.yaml');
    symlinkSync(one, path);
    const clock = testClock();
    const file = createTargetsFile(path, clock);
    unlinkSync(path);
    symlinkSync(two, path);
    clock.advance(1000);
    expect(file.list()).toMatchObject([{ pod: 'triton-1' }]);
  });
});
