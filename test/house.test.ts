import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metadataSchema } from '../src/policy/metadata.js';
import { SETTING_HELP, SETTING_NAMES } from '../src/server/settings.js';

/** They meet in server/. */
const ADAPTERS = ['signals', 'keda', 'console', 'warmup', 'cluster'];

/** What each folder of src/ may import from its neighbours: the lint rule says the same, and may be skipped. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  policy: ['core'],
  ports: ['core', 'policy'],
  signals: ['core', 'policy', 'ports'],
  keda: ['core', 'policy', 'ports'],
  console: ['core', 'policy', 'ports'],
  warmup: ['core', 'policy', 'ports'],
  cluster: ['core', 'policy', 'ports'],
  replay: ['core', 'policy'],
  server: ['core', 'policy', 'ports', ...ADAPTERS],
  demo: ['core', 'policy', 'ports', ...ADAPTERS, 'server', 'replay'],
  cli: ['core', 'policy', 'ports', ...ADAPTERS, 'server', 'replay', 'demo'],
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const sources = files.map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }));
const hand = sources.filter(({ file }) => !file.startsWith('keda/gen/'));

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

describe('the house', () => {
  it('knows every folder of src/', () => {
    expect(readdirSync('src').toSorted()).toEqual(Object.keys(LAYERS).toSorted());
  });

  it.each(hand)('keeps the layers: $file', ({ file, text }) => {
    const folder = file.split('/')[0] ?? '';
    for (const imported of importsOf(text).filter((each) => each.startsWith('.'))) {
      const target = normalize(join(dirname(file), imported)).split('/')[0] ?? '';
      if (target !== folder) expect(LAYERS[folder], `${file} imports ${imported}`).toContain(target);
    }
  });

  it('lets core import nothing but itself', () => {
    const foreign = hand
      .filter(({ file }) => file.startsWith('core/'))
      .flatMap(({ file, text }) =>
        importsOf(text).filter(
          (each) => !each.startsWith('.') || !normalize(join(dirname(file), each)).startsWith('core/'),
        ),
      );
    expect(foreign).toEqual([]);
  });

  it('takes time and chance as arguments in core, policy and replay', () => {
    const pure = hand.filter(({ file }) => /^(?:core|policy|replay)\//.test(file));
    const asks = pure.filter(({ text }) =>
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\(|\bprocess\./.test(text),
    );
    expect(asks.map(({ file }) => file)).toEqual([]);
  });

  it('names no profile in code: profiles are data', () => {
    const names = readdirSync('scalers')
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => name.replace('.yaml', ''))
      .filter((name) => name.includes('-'));
    const naming = hand
      .filter(({ file }) => !file.startsWith('demo/'))
      .flatMap(({ file, text }) =>
        names.filter((name) => code(text).includes(`'${name}'`)).map((name) => `${file}: ${name}`),
      );
    expect(naming).toEqual([]);
  });

  it('documents every key of the trigger', () => {
    const page = readFileSync('docs/trigger.md', 'utf8');
    const own = ['scalerAddress', 'enableTLS', 'unsafeSsl'];
    const missing = Object.keys(metadataSchema.shape).filter(
      (key) => !own.includes(key) && !page.includes(`\`${key}\``),
    );
    expect(missing).toEqual([]);
  });

  it('has a line of help for every setting', () => {
    expect(SETTING_NAMES.filter((name) => SETTING_HELP[name] === '')).toEqual([]);
  });

  it('names no registry in the lock file', () => {
    const lock = readFileSync('package-lock.json', 'utf8');
    expect(lock).not.toMatch(/"resolved"/);
  });
});

/** Without comments, where profiles may be named as examples. */
function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}
