/** The page's style sheet. Colours are Okabe and Ito's, which colour-blind people tell apart, lighter where it is dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --panel: #f6f7f9; --ink: #1a1d21; --faint: #5b636d; --grid: #dfe3e8; --mark: #8a2be2;
  --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #aa4499; --c5: #4a4f57; --c6: #b58900;
}
@media screen and (prefers-color-scheme: dark) {
  :root:not(.print) {
    --paper: #14171a; --panel: #1d2125; --ink: #e8eaed; --faint: #a2aab4; --grid: #33393f; --mark: #c79bff;
    --c1: #56b4e9; --c2: #ff9248; --c3: #2fc99b; --c4: #e38ac9; --c5: #b4bcc6; --c6: #f0d24c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem clamp(1rem, 3vw, 2.5rem); max-width: 90rem;
  background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
p { margin: .4rem 0; max-width: 75ch; }
.lead { font-size: 1.1rem; }
.faint, figcaption, .unit { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: .5rem 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child, .text { text-align: left; }
td.text { white-space: normal; min-width: 12rem; }
thead th { color: var(--faint); font-weight: 600; vertical-align: bottom; }
tbody tr.own { font-weight: 600; background: var(--panel); }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
pre { padding: .75rem 1rem; background: var(--panel); border-radius: 6px; overflow-x: auto; }
figure { margin: 1.25rem 0 0; padding: 0; break-inside: avoid; }
figcaption { font-size: .9rem; }
figcaption strong { color: var(--ink); font-size: 1rem; }
.plot { width: 100%; min-height: 11rem; }
.toolbar {
  position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: .4rem .6rem; align-items: center;
  padding: .5rem 0; background: var(--paper);
}
button, select {
  padding: .3rem .7rem; border: 1px solid var(--grid); border-radius: 6px; background: var(--panel); color: var(--ink);
  font: inherit; font-size: .9rem;
}
button:focus-visible, select:focus-visible, summary:focus-visible { outline: 3px solid var(--c1); outline-offset: 1px; }
summary { cursor: pointer; padding: .4rem 0; }
.uplot { font: inherit; }
.u-legend { font-size: .85rem; text-align: left; }
.u-legend th, .u-legend td { border: 0; padding: .1rem .35rem; }
.u-legend .u-value { min-width: 4.5em; display: inline-block; font-variant-numeric: tabular-nums; }
.u-select { background: color-mix(in srgb, var(--c1) 18%, transparent); }
.u-cursor-x, .u-cursor-y { border-color: var(--faint); }
[hidden] { display: none !important; }
@media (max-width: 60rem) {
  table { font-size: .875rem; }
  th, td { padding-right: .55rem; }
}
@page { margin: 1.5cm; }
@media print {
  :root { font-size: 11px; }
  body { padding: 0; max-width: none; font-size: 1rem; }
  .toolbar, .screen, details, .u-legend .u-series:first-child, .u-legend .u-value { display: none; }
  .wide { overflow: visible; }
  h2 { break-after: avoid; }
}
`.trim();
