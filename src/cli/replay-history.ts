import type { Trigger } from '../policy/trigger.js';
import type { Load } from '../replay/load.js';
import { complain } from './command.js';
import { loadFrom, type Flags } from './replay-inputs.js';

/**
 * `--history FILE`: the load that came right before, as CSV. It warms the forecast; a run that makes none says that it was
 * given for nothing.
 *
 * @throws UsageError with file and line
 */
export function historyFrom(flags: Flags, trigger: Trigger, command: string): Load | null {
  const file = flags['history'];
  if (typeof file !== 'string') return null;
  const history = loadFrom(file);
  if (trigger.policy.forecast === 'off')
    complain(
      `pilotlight ${command}: --history ${file}: not used; the trigger makes no forecast (forecast is off)`,
    );
  return history;
}
