import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LogError, redecider, type Difference } from '../../../src/replay/pilotlight/log.js';

const lines = readFileSync(new URL('../../fixtures/logs/decisions.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

/** The line of the first difference, from 1, and what it is. */
function redecided(log: readonly string[]): (Difference & { line: number }) | null {
  const decideAgain = redecider();
  for (const [index, line] of log.entries()) {
    const difference = decideAgain(line);
    if (difference !== null) return { line: index + 1, ...difference };
  }
  return null;
}

interface Step {
  trigger: string;
  policy?: Record<string, unknown>;
  now?: number;
  observation: Record<string, unknown>;
  decision: Record<string, unknown>;
}

function changed(line: number, change: (step: Step) => void): string[] {
  return lines.map((text, index) => {
    if (index + 1 !== line) return text;
    const step = JSON.parse(text) as Step;
    change(step);
    return JSON.stringify(step);
  });
}

describe('a decision log', () => {
  it('is decided as it was', () => {
    expect(lines.length).toBeGreaterThan(30);
    expect(redecided(lines)).toBeNull();
  });

  it('shows a rule that was changed, at the step where it first matters', () => {
    const wider = changed(1, ({ policy }) => Object.assign(policy ?? {}, { tolerance: 0.02 }));
    // 3 requests at a target of 2.8 were close enough to one replica at a tolerance of 0.1.
    expect(redecided(wider)).toMatchObject({
      line: 7,
      trigger: 'llm/chat/0123456789ab',
      field: 'desired',
      logged: '1',
      decided: '2',
    });
  });

  it('shows a decision that was changed', () => {
    const more = changed(14, ({ decision }) => Object.assign(decision, { desired: 9 }));
    expect(redecided(more)).toMatchObject({ line: 14, field: 'desired', logged: '9', decided: '8' });
    const without = changed(3, ({ decision }) => delete decision['reason']);
    expect(redecided(without)).toMatchObject({ line: 3, field: 'reason', logged: null });
    const words = changed(5, ({ decision }) => Object.assign(decision, { stages: [] }));
    expect(redecided(words)).toMatchObject({ line: 5, field: 'stages[0]' });
    const order = changed(1, (step) => {
      step.decision = Object.fromEntries(Object.entries(step.decision).reverse());
    });
    expect(redecided(order)?.field).toMatch(/the order of its fields/);
  });

  it('follows the state from step to step', () => {
    // Without the step that first found no data, the outage begins later than it did.
    const dropped = lines.filter((_, index) => index !== 20);
    expect(redecided(dropped)).toMatchObject({ trigger: 'llm/chat/0123456789ab', field: 'stages[0].why' });
  });

  it('begins anew where the policy is given again, as after a restart', () => {
    expect(redecided([...lines, ...lines])).toBeNull();
  });

  it('says what is wrong with a line that is no step', () => {
    const fault = (line: string) => {
      try {
        redecider()(line);
        return 'none';
      } catch (error) {
        return error instanceof LogError ? error.message : String(error);
      }
    };
    expect(fault('{"trigger":')).toMatch(/not JSON; .*half a line/);
    expect(fault('[]')).toMatch(/no step of a decision log/);
    expect(fault('null')).toMatch(/no step of a decision log/);
    expect(fault('{"trigger":"a","now":1,"decision":{}}')).toMatch(/observation is missing or wrong/);
    expect(fault(lines[2] ?? '')).toMatch(/no step of llm\/chat.* with its policy comes before/);
    const broken = changed(1, ({ policy }) => delete policy?.['signals']);
    expect(fault(broken[0] ?? '')).toMatch(/cannot be decided again/);
  });
});
