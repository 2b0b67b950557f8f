// Renders every kustomization under deploy/ with `kubectl kustomize`, so that a broken one is found here and not on
// somebody's cluster. Set KUBECTL to try another version: the oldest that must work is 1.20.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const kubectl = process.env.KUBECTL ?? 'kubectl';

const folders = readdirSync(join(repository, 'deploy'), { recursive: true })
  .filter((path) => path.endsWith('kustomization.yaml'))
  .map((path) => join('deploy', dirname(path)))
  .sort();

function rendered(folder) {
  const run = spawnSync(kubectl, ['kustomize', folder], { cwd: repository, encoding: 'utf8' });
  if (run.error !== undefined) {
    console.error(
      `Cannot run ${kubectl}: ${run.error.message}. Install it: node scripts/require-system-packages.mjs kubectl`,
    );
    process.exit(1);
  }
  if (run.status !== 0) return { problem: `exit code ${run.status}\n${run.stderr}${run.stdout}` };
  const objects = run.stdout.match(/^kind: /gm)?.length ?? 0;
  return objects === 0 ? { problem: `no objects\n${run.stderr}` } : { objects };
}

const results = folders.map((folder) => ({ folder, ...rendered(folder) }));
for (const { folder, objects, problem } of results) {
  if (problem === undefined) console.log(`${folder}: ${objects} objects`);
  else console.error(`${folder}: ${problem}`);
}
const faults = results.filter(({ problem }) => problem !== undefined).length;
if (folders.length === 0) console.error('deploy/: no kustomization.yaml found');
process.exit(faults > 0 || folders.length === 0 ? 1 : 0);
