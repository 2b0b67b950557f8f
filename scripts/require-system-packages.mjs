// Tests run against the real thing. This makes sure it is there: commands named as arguments are looked up on
// PATH, missing ones are installed with apt when we may, and otherwise named, with what to do, and the run fails.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const DEBIAN_PACKAGE = {
  'redis-server': 'redis-server',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  kubectl: 'kubernetes-client',
};

const onPath = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const missing = process.argv.slice(2).filter((command) => !onPath(command));
if (missing.length > 0) {
  const packages = [...new Set(missing.map((command) => DEBIAN_PACKAGE[command] ?? command))];
  const byHand = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    console.error(
      `Missing on PATH: ${missing.join(', ')}. Install them, on Debian or Ubuntu as root with:\n  ${byHand}`,
    );
    process.exit(1);
  }
  console.error(`Missing on PATH: ${missing.join(', ')}. Installing: ${packages.join(' ')}`);
  // Debian starts a daemon on installation; ours are started by the tests, on ports of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args) => execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  apt('update', '-qq');
  apt('install', '-y', '-qq', '--no-install-recommends', ...packages);
  const still = missing.filter((command) => !onPath(command));
  if (still.length > 0) {
    console.error(`Still missing after the installation: ${still.join(', ')}. Try by hand:\n  ${byHand}`);
    process.exit(1);
  }
}
