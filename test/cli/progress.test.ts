import { describe, expect, it } from 'vitest';
import { progressOn } from '../../src/cli/progress.js';
import type { Observation, ReplayPolicy } from '../../src/replay/policy.js';

const NOTHING: Observation = { current: 0, ready: 0, starting: 0, pending: 0, samples: [] };
const POLICY: ReplayPolicy = { name: 'llm/chat', minReplicas: 0, every: 5, tick: (t) => t };

describe('the progress bar', () => {
  it('shows each percent once on a terminal, and leaves the policy as it is', () => {
    const drawn: string[] = [];
    const terminal = { isTTY: true, write: (text: unknown) => drawn.push(String(text)) > 0 };
    const progress = progressOn(terminal);
    const watched = progress.watching(POLICY, 1000);
    for (let t = 0; t < 1000; t += 5) expect(watched.tick(t, NOTHING)).toBe(t);
    expect(drawn).toHaveLength(100);
    expect(drawn[50]).toBe(`\r\u001B[2K${'█'.repeat(15)}${'░'.repeat(15)} 50 % llm/chat`);
    progress.clear();
    expect(drawn.at(-1)).toBe('\r\u001B[2K');
  });

  it('writes nothing where nobody looks', () => {
    const drawn: string[] = [];
    const file = { isTTY: false, write: (text: unknown) => drawn.push(String(text)) > 0 };
    const progress = progressOn(file);
    expect(progress.watching(POLICY, 1000)).toBe(POLICY);
    progress.working('on something');
    progress.clear();
    expect(drawn).toEqual([]);
  });
});
