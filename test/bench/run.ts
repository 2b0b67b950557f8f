import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { machine } from './processes.js';
import { benchRpc } from './rpc.js';
import { benchTick } from './tick.js';

// `npm run bench [-- SECONDS]`: figures to read, never a test. These machines are noisy: compare ratios, not digits.
const seconds = Number(process.argv[2] ?? 20);
const results = {
  at: new Date().toISOString(),
  machine: machine(),
  rpc: [await benchRpc(1000, seconds), await benchRpc(10_000, seconds)],
  tick: await benchTick(10_000, 7),
};
mkdirSync('bench-results', { recursive: true });
const file = 'bench-results/server.json';
writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
console.log(JSON.stringify(results, null, 2));
console.log(`written to ${file}`);
// In processes of their own: resident memory is a figure too, and what one leaves behind is no load of the next.
for (const script of ['warmup', 'capacity'])
  spawnSync(process.execPath, ['--import', 'tsx', `test/bench/${script}.ts`], { stdio: 'inherit' });
