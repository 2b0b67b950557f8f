/**
 * The page's script: draws the charts that lie in the page as JSON. It runs in the browser, in the scope that has
 * `uPlot`; all arithmetic was done before. Charts share the cursor and, by dragging, the stretch of time that is shown.
 */
export const DRAW = String.raw`
(() => {
  'use strict';
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const root = document.documentElement;
  const plots = new Map();
  const HEIGHT = 190;

  const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const two = (n) => String(n).padStart(2, '0');
  const number = (value) => {
    if (value === null || value === undefined) return '–';
    const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
    return value.toLocaleString('en-US', { maximumFractionDigits: digits });
  };
  const clock = (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    const days = Math.floor(whole / 86400);
    const time = two(Math.floor(whole / 3600) % 24) + ':' + two(Math.floor(whole / 60) % 60);
    const rest = whole % 60 === 0 ? '' : ':' + two(whole % 60);
    return (days > 0 ? 'day ' + (days + 1) + ' ' : '') + time + rest;
  };
  const DASHES = { solid: [], dashed: [8, 5], dotted: [2, 4], none: [] };

  function xOptions({ kind, label }) {
    const axis = {
      stroke: () => colour('faint'),
      grid: { stroke: () => colour('grid'), width: 1 },
      ticks: { stroke: () => colour('grid') },
      font: '12px system-ui, sans-serif',
    };
    if (kind === 'time') {
      const incrs = [1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
      return { scale: { time: false }, axis: { ...axis, incrs, space: 95, values: (u, at) => at.map(clock) } };
    }
    const splits = (u) => u.data[0];
    const values = (u, at) => at.map(number);
    return {
      scale: { time: false, distr: 3, log: 2, range: (u, min, max) => [min / 1.15, max * 1.15] },
      axis: { ...axis, splits, values, filter: (u, at) => at, label, labelSize: 20, labelFont: '12px system-ui, sans-serif' },
    };
  }

  function seriesOptions({ label, colour: index, line, stepped, points, filled }) {
    const stroke = () => (line === 'none' ? 'transparent' : colour('c' + index));
    return {
      label,
      stroke,
      width: 2,
      dash: DASHES[line],
      ...(filled ? { fill: () => colour('c' + index) + '26' } : {}),
      ...(stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      points: { show: points, size: 7, fill: () => colour('paper') },
      value: (u, value) => number(value),
      spanGaps: false,
    };
  }

  function drawMarks(u, marks) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour('mark');
    ctx.lineWidth = ratio;
    ctx.font = 12 * ratio + 'px system-ui, sans-serif';
    ctx.textBaseline = 'top';
    marks.forEach(({ x, label }, index) => {
      const at = u.valToPos(x, 'x', true);
      if (at < bbox.left || at > bbox.left + bbox.width) return;
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      const room = at + ctx.measureText(label).width + 6 * ratio < bbox.left + bbox.width;
      ctx.textAlign = room ? 'left' : 'right';
      ctx.fillText(label, at + (room ? 5 : -5) * ratio, bbox.top + (3 + index * 15) * ratio);
    });
    ctx.restore();
  }

  function draw(chart, holder) {
    const { scale, axis } = xOptions(chart.x);
    const range = (u, min, max) => {
      const top = Math.max(max ?? 0, chart.top ?? 0);
      return [0, top > 0 ? top * 1.08 : 1];
    };
    const options = {
      width: Math.max(240, holder.clientWidth),
      height: HEIGHT,
      scales: { x: scale, y: { range } },
      axes: [axis, { ...axis, splits: null, size: 64, space: 34, values: (u, at) => at.map(number), filter: null, label: null, incrs: null }],
      series: [
        { label: chart.x.kind === 'time' ? 'Time' : chart.x.label, value: (u, x) => (x === null ? '–' : chart.x.kind === 'time' ? clock(x) : number(x)) },
        ...chart.series.map(seriesOptions),
      ],
      bands: chart.bands.map(({ upper, lower }) => ({
        series: [upper + 1, lower + 1],
        fill: () => colour('c' + chart.series[upper].colour) + '40',
      })),
      cursor: chart.x.kind === 'time' ? { sync: { key: 'time', scales: ['x', null] }, drag: { x: true, y: false } } : { drag: { x: false, y: false } },
      legend: {
        markers: {
          width: 2,
          stroke: (u, index) => (index === 0 ? 'transparent' : 'var(--c' + chart.series[index - 1].colour + ')'),
          dash: (u, index) => (index > 0 && chart.series[index - 1].line !== 'solid' ? 'dashed' : 'solid'),
          fill: (u, index) => (index > 0 && (chart.series[index - 1].filled || chart.series[index - 1].line === 'none') ? 'color-mix(in srgb, var(--c' + chart.series[index - 1].colour + ') 25%, transparent)' : 'transparent'),
        },
      },
      hooks: { draw: [(u) => drawMarks(u, chart.marks)] },
    };
    for (const each of options.axes) for (const key of Object.keys(each)) if (each[key] === null) delete each[key];
    return new uPlot(options, [chart.xs, ...chart.series.map(({ values }) => values)], holder);
  }

  function show() {
    for (const chart of charts) {
      const holder = document.getElementById(chart.id);
      if (plots.has(chart.id) || holder.closest('[hidden]') !== null) continue;
      plots.set(chart.id, draw(chart, holder));
    }
  }

  const timed = () => charts.filter(({ x, id }) => x.kind === 'time' && plots.has(id));
  function zoom(change) {
    const [first] = timed();
    if (first === undefined) return;
    const [start, end] = [first.xs[0], first.xs[first.xs.length - 1]];
    const { min, max } = plots.get(first.id).scales.x;
    const [from, to] = change(min, max, start, end);
    for (const { id } of timed()) plots.get(id).setScale('x', { min: Math.max(start, from), max: Math.min(end, to) });
  }
  const ZOOMS = {
    in: (min, max) => [min + (max - min) / 4, max - (max - min) / 4],
    out: (min, max) => [min - (max - min) / 2, max + (max - min) / 2],
    earlier: (min, max, start) => [Math.max(start, min - (max - min) / 2), Math.max(start, min - (max - min) / 2) + max - min],
    later: (min, max, start, end) => [Math.min(end, max + (max - min) / 2) - (max - min), Math.min(end, max + (max - min) / 2)],
    reset: (min, max, start, end) => [start, end],
  };
  for (const button of document.querySelectorAll('[data-zoom]')) {
    button.addEventListener('click', () => zoom(ZOOMS[button.dataset.zoom]));
  }

  const choice = document.getElementById('policy');
  choice?.addEventListener('change', () => {
    for (const each of document.querySelectorAll('[data-policy]')) each.hidden = each.dataset.policy !== choice.value;
    const before = timed()[0];
    const { min, max } = before === undefined ? {} : plots.get(before.id).scales.x;
    show();
    if (min !== undefined) zoom(() => [min, max]);
  });

  const resize = (width) => {
    for (const [id, plot] of plots) {
      const wide = width ?? document.getElementById(id).clientWidth;
      if (wide > 0) plot.setSize({ width: wide, height: HEIGHT });
    }
  };
  const repaint = () => plots.forEach((plot) => plot.redraw(false, true));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  addEventListener('resize', () => resize());
  // On paper it is always light, and as wide as the paper.
  addEventListener('beforeprint', () => { root.classList.add('print'); resize(690); repaint(); });
  addEventListener('afterprint', () => { root.classList.remove('print'); resize(); repaint(); });
  show();
  root.dataset.drawn = String(plots.size);
})();
`.trim();
