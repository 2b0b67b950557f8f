import type { ReplayPolicy } from '../replay/policy.js';

const WIDTH = 30;

/** A bar on standard error while runs go on; nothing where that is no terminal. */
export interface Progress {
  /** The policy, with its way through the load shown. */
  watching(policy: ReplayPolicy, seconds: number): ReplayPolicy;
  /** Names what is under way and has no clock to watch. */
  working(on: string): void;
  /** Takes the bar away. */
  clear(): void;
}

export function progressOn(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>): Progress {
  if (!stream.isTTY)
    return { watching: (policy) => policy, working: () => undefined, clear: () => undefined };
  const draw = (text: string) => stream.write(`\r\u001B[2K${text}`);
  return {
    watching(policy, seconds) {
      let shown = -1;
      return {
        ...policy,
        tick(t, observation) {
          const percent = Math.min(100, Math.floor((100 * t) / seconds));
          if (percent > shown) {
            shown = percent;
            const full = Math.round((percent * WIDTH) / 100);
            draw(`${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${percent} % ${policy.name}`);
          }
          return policy.tick(t, observation);
        },
      };
    },
    working: (on) => void draw(on),
    clear: () => void draw(''),
  };
}
