import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';

interface Line {
  readonly kind: 'change' | 'second';
  readonly t: number;
  readonly workload: string;
  readonly replicas: number;
  readonly ready: number;
  readonly desired: number | null;
  readonly active: boolean | null;
  readonly reason: string;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** Runs the command as a user does; `onOutput` sees what it has printed so far. */
function pilotlight(
  args: string[],
  onOutput?: (stdout: string, interrupt: () => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      onOutput?.(stdout, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('pilotlight demo', { timeout: 120_000 }, () => {
  it(
    'tells the whole story in the seconds given: zero, awake, many, zero',
    { concurrent: true },
    async () => {
      const { code, stdout, stderr } = await pilotlight(['demo', '--seconds', '20', '--json']);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      const names = [...new Set(lines.map((line) => line.workload))];
      expect(names).toEqual(['resnet', 'llama', 'embed']);
      for (const name of names) expectStory(lines.filter((line) => line.workload === name));
    },
  );

  it(
    'is told of the burst that comes again, and warms up for it ahead: nobody waits then',
    { concurrent: true },
    async () => {
      const { code, stdout } = await pilotlight(['demo', '--seconds', '30']);
      expect(code).toBe(0);
      for (const name of ['resnet', 'llama']) {
        const told = new RegExp(
          `^  ${name} +warm-up asked at \\d+:\\d\\d, ready \\d+ s ahead; waited (\\d+) s, the time before (\\d+) s$`,
          'm',
        );
        const [, second, first] = told.exec(stdout) ?? [];
        expect(Number(first), stdout).toBeGreaterThan(10);
        expect(Number(second)).toBeLessThan(Number(first) / 4);
      }
      expect(stdout).toMatch(/^ {2}embed +no warm-up; waited \d+ s/m);
      expect(stdout).toContain('warm-ups kept in a redis-server of the demo');
    },
  );

  it('ends at an interrupt or several, with what it has seen so far', async () => {
    const { code, stdout } = await pilotlight(['demo', '--speed', '50'], (printed, interrupt) => {
      if (printed.includes('0→1')) interrupt();
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/GPU-seconds;.* always on/);
  });

  it.each([
    [['--seconds', '5'], '--seconds: got 5, expected at least 10'],
    [['--speed', 'fast'], '--speed: got NaN'],
    [['--second', '30'], 'did you mean --seconds?'],
    [['now'], 'unexpected argument "now"'],
  ])('refuses %s', async (args, message) => {
    const { code, stderr } = await pilotlight(['demo', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

function expectStory(lines: readonly Line[]): void {
  const seconds = lines.filter((line) => line.kind === 'second');
  const changes = lines.filter((line) => line.kind === 'change');
  expect(seconds[0]?.replicas).toBe(0);
  expect(changes[0]).toMatchObject({ replicas: 1, active: true });
  expect(changes[0]?.reason).toContain('woken: gateway-rps');
  expect(Math.max(...changes.map((line) => line.replicas))).toBeGreaterThan(1);
  expect(Math.max(...seconds.map((line) => line.ready))).toBeGreaterThan(1);
  expect(changes.at(-1)).toMatchObject({ replicas: 0, active: false, desired: 0 });
  expect(seconds.at(-1)).toMatchObject({ replicas: 0, ready: 0 });
  for (const change of changes) expect(change.reason).not.toMatch(/^$|not evaluated/);
  const second = seconds.map((line) => Math.floor(line.t));
  expect(second).toEqual([...new Set(second)].sort((a, b) => a - b));
}
