import { execFile } from 'node:child_process';
import { accessSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { pageAssets } from '../../../src/cli/page-assets.js';
import { replayPage } from '../../../src/replay/report/html.js';
import { temporaryFolder } from '../../support/processes.js';
import { report, timeline } from './html-fixture.js';

const CHROMIUM = '/usr/bin/chromium';

function isInstalled(): boolean {
  try {
    accessSync(CHROMIUM);
    return true;
  } catch {
    return false;
  }
}

/** The page as it stands in a browser once its scripts have run. */
async function inBrowser(page: string): Promise<string> {
  const folder = await temporaryFolder('page');
  const file = join(folder, 'page.html');
  await writeFile(file, page);
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}`, '--dump-dom'];
  const { stdout } = await promisify(execFile)(CHROMIUM, [...flags, `file://${file}`], { maxBuffer: 64e6 });
  await rm(folder, { recursive: true, force: true });
  return stdout;
}

describe.skipIf(!isInstalled())('the page in Chromium', () => {
  it('draws every chart that is shown, with its legend', async () => {
    const page = replayPage(report(), [timeline('shop/llm'), timeline('</script>')], pageAssets());
    const dom = await inBrowser(page);
    expect(dom).toMatch(/<html[^>]* data-drawn="5"/);
    expect(dom.match(/<canvas/g)).toHaveLength(5);
    expect(dom.match(/class="u-label"[^>]*>([^<]*)</g)?.join(' ')).toContain('&lt;/script&gt;');
  });

  it('shows of the others the one that is chosen, and no word of the rest', async () => {
    const runs = ['shop/llm', 'keda-queue', 'static-peak'].map((name) => timeline(name));
    const dom = await inBrowser(replayPage(report(), runs, pageAssets()));
    const rows = [...dom.matchAll(/<tr class="u-series[^>]*?( hidden="")?><th>.*?u-label"[^>]*>([^<]*)</g)];
    const shown = rows.filter(([, hidden]) => hidden === undefined).map(([, , label]) => label ?? '');
    expect(shown.filter((label) => label.startsWith('static-peak'))).toHaveLength(4);
    expect(rows.filter(([, , label]) => label?.startsWith('keda-queue'))).toHaveLength(4);
    expect(shown.join(' ')).not.toContain('keda-queue');
  });
});
