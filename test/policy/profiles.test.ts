import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileProfiles, parseProfile, ProfileError } from '../../src/policy/profiles.js';

const QUEUE = `# comment
name: queue
summary: Requests that wait
unit: requests
kind: extensive
target: 4
simulate: queue
prometheus:
  value: sum by ({{by}}) (queue_size)
  at: max by ({{by}}) (timestamp(queue_size))
scrape:
  from: pod
  port: 8002
  value:
    add:
      - sum: [queue_size]
      - { sum: [running], where: { gpu: present, kind: [a, b] } }
source: { metric: queue_size, vendor: us }
`;

const GATEWAY = QUEUE.replace('name: queue', 'name: gateway').replace('kind:', 'series: service\nkind:');

const SERVED = 'served: { prometheus: { value: a, at: b }, scrape: { sum: [a] } }\n';

/** Each list holds the one above twenty times. */
const ALIASES = [
  'a: &a [1, 1]',
  ...Array.from(
    { length: 8 },
    (_, at) => `l${at}: &l${at} [${`*${at === 0 ? 'a' : `l${at - 1}`},`.repeat(20)}]`,
  ),
].join('\n');

function error(action: () => unknown): ProfileError {
  try {
    action();
  } catch (caught) {
    if (caught instanceof ProfileError) return caught;
    throw caught;
  }
  throw new Error('expected a ProfileError');
}

function faultOf(text: string): string {
  return error(() => parseProfile(text, 'scalers/queue.yaml')).message;
}

describe('one profile', () => {
  test('is read with the defaults filled in', () => {
    expect(parseProfile(QUEUE, 'queue.yaml')).toMatchObject({
      name: 'queue',
      target: 4,
      activation: 0,
      absence: 'unknown',
      freshFor: '90s',
      series: 'pod',
      scrape: { path: '/metrics', value: { add: [{ sum: ['queue_size'] }, { where: { gpu: 'present' } }] } },
    });
  });

  test.each([
    {
      what: 'a field that is not in the schema',
      text: QUEUE.replace('target:', 'traget:'),
      message: 'scalers/queue.yaml:6: traget: unknown field; did you mean target?',
    },
    {
      what: 'an unknown field in the Prometheus form',
      text: QUEUE.replace('  at:', '  weigth: x\n  at:'),
      message: 'scalers/queue.yaml:10: prometheus.weigth: unknown field',
    },
    {
      what: 'an unknown field in an expression',
      text: QUEUE.replace('sum: [queue_size]', 'average: [queue_size]'),
      message: 'scalers/queue.yaml:16: scrape.value.add[0].average: unknown field',
    },
    {
      what: 'a misspelt field of one of two forms',
      text: QUEUE.replace('target: 4', 'target: { perslot: 2 }'),
      message: 'scalers/queue.yaml:6: target.perslot: unknown field',
    },
    {
      what: 'a word that is not one of the choices',
      text: QUEUE.replace('kind: extensive', 'kind: additive'),
      message: 'scalers/queue.yaml:5: kind: expected one of "extensive"|"intensive"',
    },
    {
      what: 'a missing field, on the line of what should hold it',
      text: QUEUE.replace('  port: 8002\n', ''),
      message: 'scalers/queue.yaml:11: scrape.port: expected number, which is missing',
    },
    {
      what: 'a value of the wrong type',
      text: QUEUE.replace('summary: Requests that wait', 'summary: 3'),
      message: 'scalers/queue.yaml:3: summary: expected string, got number',
    },
    {
      what: 'a number out of range',
      text: QUEUE.replace('port: 8002', 'port: 80020'),
      message: 'scalers/queue.yaml:13: scrape.port: expected number to be <=65535',
    },
    {
      what: 'words of the schema for a pattern',
      text: QUEUE.replace('kind:', 'freshFor: 90\nkind:').replace('freshFor: 90', 'freshFor: 90 seconds'),
      message: 'scalers/queue.yaml:5: freshFor: expected a duration such as 90s, 5m or 1h30m',
    },
    {
      what: 'a key twice',
      text: `${QUEUE}unit: jobs\n`,
      message: 'scalers/queue.yaml:19: not YAML: Map keys must be unique',
    },
    {
      what: 'text that is not YAML',
      text: 'name: [queue\nunit: jobs',
      message: 'scalers/queue.yaml:2: not YAML: ',
    },
    {
      what: 'aliases that multiply',
      text: ALIASES,
      message: 'scalers/queue.yaml:1: too many aliases',
    },
    {
      what: 'an empty file',
      text: '',
      message: 'scalers/queue.yaml:1: the file: expected object, got null',
    },
  ])('refuses $what', ({ text, message }) => {
    expect(faultOf(text)).toContain(message);
  });

  test('names every fault on a line of its own, and the first as the error’s line', () => {
    const faults = error(() =>
      parseProfile(
        QUEUE.replace('unit: requests', 'unit: 1').replace('target: 4', 'target: -4'),
        'queue.yaml',
      ),
    );
    expect(faults.message.split('\n')).toEqual([
      'queue.yaml:4: unit: expected string, got number',
      expect.stringMatching(/^queue\.yaml:6: target: expected number to be >0/),
    ]);
    expect([faults.file, faults.line]).toEqual(['queue.yaml', 4]);
  });

  test('refuses whatever is not a profile with a ProfileError that names the file', () => {
    const lines = QUEUE.split('\n');
    fc.assert(
      fc.property(
        fc.nat(lines.length - 1),
        fc.oneof(fc.string(), fc.constantFrom('  ', '- x', 'a: &a [*a]', '? ', '{', '"', 'unit: !!js x')),
        (at, line) => {
          const text = lines.with(at, line).join('\n');
          try {
            expect(parseProfile(text, 'f.yaml').name).toBeTypeOf('string');
          } catch (caught) {
            expect(caught).toBeInstanceOf(ProfileError);
            expect((caught as ProfileError).message).toMatch(/^f\.yaml:\d+: /);
            expect((caught as ProfileError).line).toBeLessThanOrEqual(text.split('\n').length);
          }
        },
      ),
    );
  });
});

describe('profiles together', () => {
  const queue = { file: 'scalers/queue.yaml', text: `${QUEUE}wake: gateway\n` };
  const gateway = { file: 'scalers/gateway.yaml', text: GATEWAY };

  test('are found by name, in the order given', () => {
    expect([...compileProfiles([queue, gateway]).keys()]).toEqual(['queue', 'gateway']);
  });

  test.each([
    {
      what: 'a file that is not called as its profile',
      files: [gateway, { ...queue, file: 'scalers/waiting.yaml' }],
      message: 'scalers/waiting.yaml:2: name: the file of this profile must be called queue.yaml',
    },
    {
      what: 'a name that is taken',
      files: [gateway, queue, { ...queue, file: 'own/queue.yaml' }],
      message: 'own/queue.yaml:2: name: queue is already in scalers/queue.yaml',
    },
    {
      what: 'a wake profile that does not exist',
      files: [gateway, { ...queue, text: `${QUEUE}wake: gatewya\n` }],
      message: 'scalers/queue.yaml:19: wake: there is no profile gatewya; did you mean gateway?',
    },
    {
      what: 'a wake profile that the pods report',
      files: [{ ...queue, text: `${QUEUE}wake: queue\n` }],
      message:
        'scalers/queue.yaml:19: wake: queue is reported by the pods, of which there are none at zero replicas',
    },
    {
      what: 'a wake profile that needs waking',
      files: [queue, { ...gateway, text: `${GATEWAY}wake: gateway\n` }],
      message: 'scalers/queue.yaml:19: wake: gateway has a wake profile itself; expected one that has none',
    },
    {
      what: 'what has left pods, beside a signal that is not of pods',
      files: [{ ...gateway, text: `${GATEWAY}${SERVED}` }],
      message:
        'scalers/gateway.yaml:20: served: expected only beside a signal of pods whose query is the profile’s own',
    },
  ])('refuse $what', ({ files, message }) => {
    expect(error(() => compileProfiles(files)).message).toBe(message);
  });
});
