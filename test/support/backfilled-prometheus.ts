import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon, eventually, freePort, temporaryFolder } from './processes.js';

/** One series of a recording: samples at moments of the past, Unix seconds. */
export interface RecordedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [t: number, value: number])[];
}

/** A real Prometheus that has already recorded the series, however long ago; it scrapes nothing. */
export async function startBackfilledPrometheus(
  recording: readonly RecordedSeries[],
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = await temporaryFolder('prometheus');
  await writeFile(join(folder, 'recording.om'), openMetrics(recording));
  await writeFile(join(folder, 'prometheus.yml'), '{}');
  const data = join(folder, 'data');
  const run = promisify(execFile);
  await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'recording.om'), data]);
  const port = await freePort();
  const daemon = new Daemon(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
  );
  const url = `http://127.0.0.1:${port}`;
  await eventually('Prometheus is ready', async () =>
    (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true ? true : undefined,
  ).catch((error: unknown) => {
    throw new Error(`Prometheus did not start:\n${daemon.output}`, { cause: error });
  });
  return { url, stop: () => daemon.stop() };
}

/** All of a family stands together, as the format wants; types are left unknown. */
function openMetrics(recording: readonly RecordedSeries[]): string {
  const names = [...new Set(recording.map(({ name }) => name))];
  const lines = names.flatMap((name) =>
    recording
      .filter((series) => series.name === name)
      .flatMap(({ labels, samples }) => {
        const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
        return samples.map(([t, value]) => `${name}{${pairs.join(',')}} ${value} ${t}`);
      }),
  );
  return `${lines.join('\n')}\n# EOF\n`;
}
