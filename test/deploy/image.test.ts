import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { flagOf, SETTING_NAMES } from '../../src/server/settings.js';
import { repository, text } from './manifests.js';

/** Instructions with continued lines joined, comments left out. */
const dockerfile = text('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const of = (instruction: string) =>
  dockerfile
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1));
const copies = of('COPY').map((copy) => {
  const words = copy.split(/\s+/);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { fromStage: words.some((word) => word.startsWith('--from=')), sources: paths.slice(0, -1) };
});

test('every COPY from the repository has its source, and .dockerignore lets it through', () => {
  const allowed = text('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const sources = copies.filter(({ fromStage }) => !fromStage).flatMap((copy) => copy.sources);
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) {
    const path = source.replace(/^\.\//, '');
    expect(existsSync(join(repository, path)), path).toBe(true);
    expect(allowed).toContain(path);
  }
  expect(allowed.toSorted()).toEqual(
    [...new Set(sources.map((each) => each.replace(/^\.\//, '')))].toSorted(),
  );
});

test('every COPY from the build stage is something that the stage makes', () => {
  const made = copies.filter(({ fromStage }) => fromStage).flatMap((copy) => copy.sources);
  expect(made.toSorted()).toEqual(['/app/dist', '/app/node_modules', '/state']);
  const run = of('RUN').join('\n');
  expect(run).toContain('npm ci --ignore-scripts');
  expect(run).toContain('npm run build');
  expect(run).toContain('mkdir /state');
});

test('the image starts what package.json installs as pilotlight, as the user that the pod asks for', () => {
  const { bin } = JSON.parse(text('package.json')) as { bin: { pilotlight: string } };
  expect(of('ENTRYPOINT')).toEqual([JSON.stringify(['node', bin.pilotlight]).replaceAll(',', ', ')]);
  expect(of('CMD')).toEqual(['["serve"]']);
  expect(of('USER')).toEqual(['65532:65532']);
});

test('every package that the code imports survives the pruning of development dependencies', () => {
  const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> };
  const imported = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [
      ...text(join('src', path)).matchAll(/^(?:import|export)\b[^'"]*?from '([^'.][^']*)';/gm),
    ])
    .map(([, specifier = '']) => specifier)
    .filter((specifier) => !specifier.startsWith('node:'))
    .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
  expect(imported.length).toBeGreaterThan(0);
  expect([...new Set(imported)].filter((name) => !(name in dependencies))).toEqual([]);
});

test('docker-compose waits for what it names, and its files exist', () => {
  const compose = parse(text('docker-compose.yml')) as {
    services: Record<
      string,
      { command: string[]; depends_on?: object; volumes?: string[]; healthcheck?: object; ports?: string[] }
    >;
    volumes: Record<string, null>;
  };
  const services = Object.entries(compose.services);
  expect(services.map(([name]) => name)).toEqual(['pilotlight', 'prometheus', 'redis']);
  const flags = SETTING_NAMES.map((name) => `--${flagOf(name)}`);
  for (const word of compose.services.pilotlight?.command ?? [])
    if (word.startsWith('--')) expect(flags).toContain(word);
  for (const [name, service] of services) {
    expect(service.healthcheck, name).toBeDefined();
    for (const dependency of Object.keys(service.depends_on ?? {}))
      expect(compose.services).toHaveProperty(dependency);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(join(repository, source)), source).toBe(true);
      else expect(compose.volumes).toHaveProperty(source);
    }
  }
});

test('the compose file’s Prometheus takes its configuration', () => {
  const check = spawnSync(
    'promtool',
    ['check', 'config', join(repository, 'deploy/compose/prometheus.yml')],
    {
      encoding: 'utf8',
    },
  );
  expect(`${check.stdout}${check.stderr}`).toContain('SUCCESS');
});
