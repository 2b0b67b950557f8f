import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { access } from './access.js';
import { findBinaries, versionsOf, type Binaries } from './binaries.js';
import { endAll } from './children.js';
import { ControlPlane } from './control-plane.js';
import { Kubelet } from './kubelet.js';
import { Load } from './load.js';
import { outages } from './outages.js';
import { parity } from './parity.js';
import { placeholders } from './placeholders.js';
import { reading } from './reading.js';
import { Report } from './report.js';
import { install, type Surroundings } from './setup.js';
import { warming } from './warming.js';
import { writing } from './writing.js';

/** Tries the product against a real API server, controller manager and scheduler: docs/real-cluster.md. */

const PARTS: Readonly<Record<string, (around: Surroundings) => Promise<void>>> = {
  reading,
  access,
  writing,
  placeholders,
  warming,
  parity,
  outages,
};
const NAMES = Object.keys(PARTS);

const { values } = parseArgs({
  options: {
    binaries: { type: 'string' },
    only: { type: 'string', default: NAMES.join(',') },
    out: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const only = values.only.split(',');
  const unknown = only.find((each) => !NAMES.includes(each));
  if (values.binaries === undefined || unknown !== undefined) {
    console.error(
      `usage: npx tsx test/real-cluster/run.ts --binaries DIR [--only ${NAMES.join(',')}] [--out FILE] [--keep]`,
    );
    return 2;
  }
  const report = new Report();
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-real-cluster-'));
  // After the children, which were the first to ask for it.
  process.on('exit', () => {
    if (values.keep) console.log(`logs are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  });
  try {
    const binaries = findBinaries(values.binaries);
    const versions = versionsOf(binaries);
    console.log(Object.values(versions).join(', '));
    await tried(report, folder, binaries, only);
    const result = { versions, figures: report.figures, outcomes: report.outcomes };
    if (values.out !== undefined) await writeFile(values.out, JSON.stringify(result, null, 2));
    console.log(`\n${JSON.stringify({ versions, figures: report.figures })}`);
    console.log(
      `${report.count('passed')} passed, ${report.count('failed')} failed, ${report.count('skipped')} skipped`,
    );
    return report.count('failed') === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await endAll();
  }
}

async function tried(
  report: Report,
  folder: string,
  binaries: Binaries,
  only: readonly string[],
): Promise<void> {
  report.part('control plane');
  const began = performance.now();
  const plane = await ControlPlane.start(folder, binaries);
  report.figure('secondsToControlPlane', (performance.now() - began) / 1000);
  const kubelet = new Kubelet(plane.admin);
  const load = await Load.serve(kubelet);
  try {
    const kubeconfig = await install(plane, binaries, report);
    const around = { plane, admin: plane.admin, binaries, kubelet, load, report, folder, kubeconfig };
    for (const name of only) {
      await PARTS[name]?.(around).catch((error: unknown) =>
        report.check(`${name} goes on to its end`, () => Promise.reject(error)),
      );
    }
  } finally {
    await kubelet.stop();
    await load.api.stop();
    plane.admin.close();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exit(await main());
