import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { documents, repository, text, yamlFiles } from './manifests.js';

const script = join(repository, 'scripts/render-deploy.mjs');
const run = (env: Record<string, string>) =>
  spawnSync(process.execPath, [script], { encoding: 'utf8', env: { ...process.env, ...env } });

test.each(yamlFiles('deploy'))('%s is YAML', (path) => {
  expect(documents(text(path)).length).toBeGreaterThan(0);
});

test('every kustomization renders', () => {
  const { status, stdout, stderr } = run({});
  expect(stderr).toBe('');
  expect(status).toBe(0);
  for (const path of yamlFiles('deploy').filter((each) => each.endsWith('kustomization.yaml'))) {
    expect(stdout).toMatch(new RegExp(`^${path.replace('/kustomization.yaml', '')}: [1-9]`, 'm'));
  }
});

test('a kustomization that does not render fails the script, with the reason', () => {
  const { status, stderr } = run({ KUBECTL: 'false' });
  expect(status).toBe(1);
  expect(stderr).toContain('deploy/base: exit code 1');
});

test('without kubectl the script says how to get it', () => {
  const { status, stderr } = run({ KUBECTL: '/nonexistent/kubectl' });
  expect(status).toBe(1);
  expect(stderr).toContain('require-system-packages.mjs kubectl');
});

test.each(['deploy/README.md', 'deploy/examples/README.md'])('%s links what is there', (path) => {
  const links = [...text(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !existsSync(join(repository, dirname(path), link)))).toEqual([]);
});

test('deploy/README.md has every overlay and component', () => {
  const page = text('deploy/README.md');
  const folders = ['overlays', 'components'].flatMap((each) =>
    readdirSync(join(repository, 'deploy', each)).map((name) => `${each}/${name}`),
  );
  expect(folders.filter((folder) => !page.includes(`| \`${folder}\` `))).toEqual([]);
});

test('kustomizations keep to the fields that kubectl 1.20 reads', () => {
  const old = new Set([
    'apiVersion',
    'kind',
    'namespace',
    'resources',
    'bases',
    'configMapGenerator',
    'images',
    'patchesJson6902',
    'patchesStrategicMerge',
  ]);
  for (const path of yamlFiles('deploy').filter((each) => each.endsWith('kustomization.yaml'))) {
    const [kustomization] = documents(text(path)) as [{ kind: string; resources?: string[] }];
    expect(kustomization.kind, path).toBe('Kustomization');
    expect(
      Object.keys(kustomization).filter((key) => !old.has(key)),
      path,
    ).toEqual([]);
    // Its `resources` are files; folders go under `bases`.
    for (const resource of kustomization.resources ?? []) expect(resource, path).toMatch(/\.yaml$/);
  }
});
