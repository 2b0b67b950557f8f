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
  const FONT = '12px system-ui, sans-serif';
  const DASHES = { solid: [], dashed: [8, 5], dotted: [2, 4], none: [] };

  const choice = document.getElementById('compared');
  const isShown = ({ only }) => only === null || only === choice?.value;

  const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const isTime = ({ x }) => x.kind === 'time';
  const heightOf = (chart) => (isTime(chart) ? 190 : 240);

  function number(value) {
    if (value === null || value === undefined) return '–';
    const size = Math.abs(value);
    const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
    return value.toLocaleString('en-US', { maximumFractionDigits: digits }).replaceAll(',', '\u202F');
  }

  function clock(value) {
    const seconds = Math.max(0, Math.round(value));
    const two = (n) => String(n).padStart(2, '0');
    const time = two(Math.floor(seconds / 3600) % 24) + ':' + two(Math.floor(seconds / 60) % 60);
    const day = seconds >= 86400 ? 'day ' + (Math.floor(seconds / 86400) + 1) + ' ' : '';
    return day + time + (seconds % 60 === 0 ? '' : ':' + two(seconds % 60));
  }

  function axis(more) {
    return {
      stroke: () => colour('faint'),
      grid: { stroke: () => colour('grid'), width: 1 },
      ticks: { stroke: () => colour('grid') },
      font: FONT,
      ...more,
    };
  }

  const INCREMENTS = [
    1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
  ];

  function xAxis(chart) {
    const values = (u, at) => at.map(isTime(chart) ? clock : number);
    if (isTime(chart)) return axis({ incrs: INCREMENTS, space: 95, values });
    const splits = (u) => u.data[0];
    return axis({ splits, values, filter: (u, at) => at });
  }

  function scales(chart) {
    const range = (u, min, max) => {
      const top = Math.max(max ?? 0, chart.top ?? 0);
      return [0, top > 0 ? top * 1.08 : 1];
    };
    const x = isTime(chart)
      ? { time: false }
      : { time: false, distr: 3, log: 2, range: (u, min, max) => [min / 1.15, max * 1.15] };
    return { x, y: { range } };
  }

  function line(series) {
    const { label, colour: index, line, stepped, points, filled, strong } = series;
    return {
      label,
      show: isShown(series),
      stroke: () => (line === 'none' ? 'transparent' : colour('c' + index)),
      width: strong ? 2 : 1.5,
      dash: DASHES[line],
      ...(filled ? { fill: () => colour('c' + index) + '26' } : {}),
      ...(stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      points: { show: points, size: 5, fill: () => colour('paper') },
      value: (u, value) => number(value),
    };
  }

  // In CSS's colours, which follow the theme by themselves.
  function markers({ series }) {
    const of = (index) => 'var(--c' + series[index - 1].colour + ')';
    const isArea = ({ filled, line }) => filled || line === 'none';
    return {
      width: 2,
      stroke: (u, index) => (index === 0 ? 'transparent' : of(index)),
      dash: (u, index) => (index > 0 && series[index - 1].line !== 'solid' ? 'dashed' : 'solid'),
      fill: (u, index) =>
        index > 0 && isArea(series[index - 1])
          ? 'color-mix(in srgb, ' + of(index) + ' 25%, transparent)'
          : 'transparent',
    };
  }

  function drawMarks(u, marks) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const right = bbox.left + bbox.width;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour('mark');
    ctx.lineWidth = ratio;
    ctx.font = 12 * ratio + 'px system-ui, sans-serif';
    ctx.textBaseline = 'top';
    ctx.setLineDash([4 * ratio, 4 * ratio]);
    marks.forEach(({ x, label }, index) => {
      const at = u.valToPos(x, 'x', true);
      if (at < bbox.left || at > right) return;
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      // To the right, unless the edge or the next mark is too near.
      const next = marks[index + 1] === undefined ? right : u.valToPos(marks[index + 1].x, 'x', true);
      const room = at + ctx.measureText(label).width + 8 * ratio < Math.min(next, right);
      ctx.textAlign = room ? 'left' : 'right';
      ctx.fillText(label, at + (room ? 5 : -5) * ratio, bbox.top + (3 + index * 15) * ratio);
    });
    ctx.restore();
  }

  function draw(chart, holder) {
    const x = isTime(chart)
      ? { label: 'Time', value: (u, value) => (value === null ? '–' : clock(value)) }
      : { label: chart.x.label, value: (u, value) => number(value) };
    const bands = chart.bands.map(({ upper, lower }) => ({
      series: [upper + 1, lower + 1],
      fill: () => colour('c' + chart.series[upper].colour) + '40',
    }));
    const options = {
      width: Math.max(240, holder.clientWidth),
      height: heightOf(chart),
      padding: [null, 40, null, null],
      scales: scales(chart),
      axes: [xAxis(chart), axis({ size: 64, space: 34, values: (u, at) => at.map(number) })],
      series: [x, ...chart.series.map(line)],
      bands,
      cursor: isTime(chart)
        ? { y: false, sync: { key: 'time', scales: ['x', null] }, drag: { x: true, y: false } }
        : { y: false, drag: { x: false, y: false } },
      legend: { markers: markers(chart) },
      hooks: { draw: [(u) => drawMarks(u, chart.marks)] },
    };
    return new uPlot(options, [chart.xs, ...chart.series.map(({ values }) => values)], holder);
  }

  // Of what is not compared, no word in the legend either.
  function nameShown(chart, plot) {
    const rows = plot.root.querySelectorAll('.u-legend .u-series');
    chart.series.forEach((series, index) => {
      rows[index + 1].hidden = !isShown(series);
    });
  }

  const timed = () => charts.filter((chart) => isTime(chart) && plots.has(chart.id));

  function zoom(change) {
    const [first] = timed();
    if (first === undefined) return;
    const [start, end] = [first.xs[0], first.xs[first.xs.length - 1]];
    const { min, max } = plots.get(first.id).scales.x;
    const [from, to] = change(min, max, start, end);
    const shown = { min: Math.max(start, from), max: Math.min(end, to) };
    for (const { id } of timed()) plots.get(id).setScale('x', shown);
  }

  const ZOOMS = {
    in: (min, max) => [min + (max - min) / 4, max - (max - min) / 4],
    out: (min, max) => [min - (max - min) / 2, max + (max - min) / 2],
    earlier(min, max, start) {
      const by = Math.min((max - min) / 2, min - start);
      return [min - by, max - by];
    },
    later(min, max, start, end) {
      const by = Math.min((max - min) / 2, end - max);
      return [min + by, max + by];
    },
    reset: (min, max, start, end) => [start, end],
  };
  for (const button of document.querySelectorAll('[data-zoom]')) {
    button.addEventListener('click', () => zoom(ZOOMS[button.dataset.zoom]));
  }

  choice?.addEventListener('change', () => {
    for (const chart of charts) {
      const plot = plots.get(chart.id);
      plot.batch(() => {
        chart.series.forEach((series, index) => {
          if (series.only !== null) plot.setSeries(index + 1, { show: isShown(series) });
        });
      });
      nameShown(chart, plot);
    }
  });

  function resize(width) {
    for (const chart of charts) {
      const wide = width ?? document.getElementById(chart.id).clientWidth;
      if (wide > 0) plots.get(chart.id)?.setSize({ width: wide, height: heightOf(chart) });
    }
  }

  function repaint() {
    for (const plot of plots.values()) plot.redraw(false, true);
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  addEventListener('resize', () => resize());
  // On paper it is always light, and as wide as the paper.
  addEventListener('beforeprint', () => {
    root.classList.add('print');
    resize(690);
    repaint();
  });
  addEventListener('afterprint', () => {
    root.classList.remove('print');
    resize();
    repaint();
  });
  for (const chart of charts) {
    const plot = draw(chart, document.getElementById(chart.id));
    plots.set(chart.id, plot);
    nameShown(chart, plot);
  }
  root.dataset.drawn = String(plots.size);
})();
`.trim();
