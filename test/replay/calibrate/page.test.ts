import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../src/replay/calibrate/calibrate.js';
import { calibrationPage } from '../../../src/replay/calibrate/page.js';
import type { Chart } from '../../../src/replay/report/page/chart.js';
import { closedLoop } from './replica.js';

const OPTIONS = { slo: 3, share: 0.75, pricePerHour: null, batch: 1, profiles: [], asked: null };

function pageOf(concurrencies: readonly number[], notes: readonly string[] = []) {
  const steps = closedLoop({ slots: 8, serviceTime: 0.5 }, concurrencies);
  const test = { format: '<b>', steps, server: null, notes };
  const page = calibrationPage(test, calibrate(test, OPTIONS), [], { script: '', style: '' });
  const json = /id="charts">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
  return { page, charts: JSON.parse(json) as Chart[] };
}

describe('the page of a calibration', () => {
  const { page, charts } = pageOf([1, 2, 4, 8, 16, 32, 64], ['A <note>.']);

  it('plots what was measured against the load, with the asymptotes and the objective', () => {
    expect(charts.map(({ id }) => id)).toEqual(['throughput', 'latency']);
    const [throughput, latency] = charts;
    expect(throughput?.xs).toEqual([1, 2, 4, 8, 16, 32, 64]);
    // A closed loop on fixed slots reaches its asymptotes.
    expect(throughput?.series[1]?.values).toEqual(throughput?.series[0]?.values);
    expect(latency?.series.map(({ label }) => label)).toEqual(['p99', 'Mean', 'Objective']);
    expect(latency?.series[2]?.values[0]).toBe(3000);
  });

  it('marks the knee and the operating point', () => {
    for (const { marks } of charts)
      expect(marks).toEqual([
        { x: 6, label: '75 % of the knee' },
        { x: 8, label: 'knee' },
      ]);
  });

  it('has the findings, the metadata and the steps as text, escaped', () => {
    expect(page).toContain('16 requests/s at 8 in flight; at 16 in flight throughput no longer rises');
    expect(page).toContain('slots: &quot;8&quot;');
    expect(page).toContain('&lt;b&gt;');
    expect(page).toContain('<li>A &lt;note&gt;.</li>');
    expect(page).toMatch(/<tr class="own"><th scope="row">8<\/th>/);
  });

  it('of a test without a knee has its plots and no metadata', () => {
    const open = pageOf([1, 2, 4]);
    expect(open.page).toContain('not reached');
    expect(open.page).not.toContain('metadata');
    expect(open.charts[0]?.marks).toEqual([]);
    expect(open.charts[0]?.series).toHaveLength(1);
  });
});
