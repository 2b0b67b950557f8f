import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { policy } from '../../src/cli/policy.js';
import { scaledObject } from '../replay/pilotlight/scaled-objects.js';
import { runCli, startCli } from './cli-process.js';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const MANIFEST = join(folder, 'chat.yaml');
writeFileSync(MANIFEST, scaledObject());
const POLICY = ['policy', '--scaledobject', MANIFEST];

const INIT = '{"type":"init","slotsPerReplica":4,"serviceSeconds":8,"maxReplicas":20,"scrapeSeconds":15}';

function tick(t: number, running = 3): string {
  const sample = `{"t":${t - 15},"arrivals":12,"queue":0,"running":${running},"ready":1,"spec":1,"util":0.7,"duty":0.9,"secs":15}`;
  return `{"type":"tick","t":${t},"current":1,"ready":1,"starting":0,"pending":0,"samples":[${sample}]}`;
}

describe('policy', () => {
  it('answers each tick before the next is sent', async () => {
    const filter = startCli(POLICY);
    filter.write(`${INIT}\n`);
    for (const [index, running] of [3, 10, 3].entries()) {
      filter.write(`${tick(30 + 15 * index, running)}\n`);
      const { replicas } = JSON.parse(await filter.nextLine()) as { replicas: number };
      expect(replicas).toBe([1, 4, 4][index]);
    }
    expect(await filter.end()).toMatchObject({ code: 0, stderr: '' });
  });

  it('takes a tick that comes in pieces, with CRLF, empty lines and a byte order mark', async () => {
    const filter = startCli(POLICY);
    const [head, tail] = [tick(30).slice(0, 40), tick(30).slice(40)];
    for (const piece of [
      '\uFEFF',
      INIT.slice(0, 9),
      `${INIT.slice(9)}\r\n`,
      '\r\n\n  \r\n',
      head,
      `${tail}\r\n`,
    ]) {
      filter.write(piece);
    }
    expect(JSON.parse(await filter.nextLine())).toMatchObject({ replicas: 1, active: true });
    expect((await filter.end()).code).toBe(0);
  });

  it('answers garbage where it stands, goes on, and exits 1', async () => {
    const lines = [tick(15), INIT, 'garbage', '', tick(30), '\u0000\u00ff{', tick(15), tick(45)];
    const { code, stdout, stderr } = await runCli(POLICY, lines.map((line) => `${line}\n`).join(''));
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers.map((answer) => answer['line'] ?? answer['replicas'])).toEqual([1, 3, 1, 6, 7, 1]);
    expect(answers[0]?.['error']).toMatch(/a tick before init/);
    expect([code, stderr]).toEqual([1, '']);
  });

  it('takes a last line without an end, whole or not', async () => {
    const [whole, half, nothing] = await Promise.all([
      runCli(POLICY, `${INIT}\n${tick(30)}`),
      runCli(POLICY, `${INIT}\n${tick(30).slice(0, 50)}`),
      runCli(POLICY),
    ]);
    expect([whole.code, JSON.parse(whole.stdout)]).toMatchObject([0, { replicas: 1 }]);
    expect([half.code, JSON.parse(half.stdout)]).toMatchObject([1, { line: 2 }]);
    expect(nothing).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('cuts a line that does not end', async () => {
    const { code, stdout } = await runCli(POLICY, `${'x'.repeat(5_000_000)}\n${INIT}\n${tick(30)}\n`);
    const [first = '', second = ''] = stdout.split('\n');
    expect(JSON.parse(first)).toEqual({ error: 'longer than 1048576 characters', line: 1 });
    expect([code, JSON.parse(second)]).toMatchObject([1, { replicas: 1 }]);
  });

  it('answers 100 000 ticks that nobody reads in the meantime', async () => {
    const ticks = Array.from({ length: 100_000 }, (_, index) => tick(30 + 5 * index, index % 40));
    const { code, stdout } = await runCli(POLICY, `${INIT}\n${ticks.join('\n')}\n`);
    expect(code).toBe(0);
    expect(stdout.split('\n').length - 1).toBe(100_000);
  });

  it('reads --history, says why it is not used, and answers as without', async () => {
    const history = join(folder, 'history.csv');
    writeFileSync(history, 't_seconds,requests\n0,1\n3600,0\n');
    const input = `${INIT}\n${tick(30)}\n`;
    const [plain, warmed] = await Promise.all([
      runCli(POLICY, input),
      runCli([...POLICY, '--history', history], input),
    ]);
    expect(warmed.stdout).toBe(plain.stdout);
    expect(warmed.stderr).toMatch(/pilotlight policy: --history .*: not used; the trigger makes no forecast/);
    writeFileSync(history, 'nonsense\n');
    const wrong = await runCli([...POLICY, '--history', history], input);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toMatch(/history\.csv: line 1: unknown column "nonsense"/);
  });

  it('exits 2 for a manifest that could not run, before it reads anything', async () => {
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, scaledObject({ metadata: { profile: 'vllm-concurency' } }));
    const { code, stdout, stderr } = await runCli(['policy', '--scaledobject', wrong], `${INIT}\n`);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/wrong\.yaml:14: profile: .*Did you mean vllm-concurrency\?/);
    await expect(policy.run([])).rejects.toThrow(/--scaledobject FILE is required/);
    await expect(policy.run([...POLICY.slice(1), 'more'])).rejects.toThrow(/unexpected argument "more"/);
  });
});
