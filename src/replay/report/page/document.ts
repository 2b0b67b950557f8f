import type { Chart } from './chart.js';
import { DRAW } from './draw.js';
import { jsonIn, markup, verbatim, type Markup } from './markup.js';
import { STYLE } from './style.js';

/** uPlot's script (`uPlot.iife.min.js`) and style sheet, to be written into the page. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** No request leaves the page, whatever is in it. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

/** A whole page that needs nothing but itself. */
export function documentOf(
  title: string,
  body: Markup,
  charts: readonly Chart[],
  assets: PageAssets,
): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<style>${verbatim(within(assets.style, 'style'))}
${verbatim(STYLE)}</style>
</head>
<body>
${body}
<script type="application/json" id="charts">${jsonIn(charts)}</script>
<script>${verbatim(within(assets.script, 'script'))}</script>
<script>${verbatim(DRAW)}</script>
</body>
</html>
`.markup;
}

/** A library's text could hold the end of the element it is put in. */
function within(text: string, element: 'script' | 'style'): string {
  return text.replaceAll(new RegExp(`</(?=${element})`, 'gi'), String.raw`<\/`);
}

/** A chart's place, with what it shows in words. */
export function figure(chart: Chart): Markup {
  return markup`<figure>
<figcaption><strong>${chart.title}</strong> <span class="unit">${chart.unit}</span></figcaption>
<div class="plot" id="${chart.id}" role="img" aria-label="${chart.title}: ${chart.summary}"></div>
</figure>
`;
}

/** Cells to the right but the first; `own` names the row to stand out, `text` the column that is read and not compared. */
export function tableOf(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  own: number | null = null,
  text: number | null = null,
): Markup {
  const cell = (content: string, index: number) =>
    index === 0
      ? markup`<th scope="row">${content}</th>`
      : markup`<td${verbatim(index === text ? ' class="text"' : '')}>${content}</td>`;
  const row = (cells: readonly string[], index: number) =>
    markup`<tr${verbatim(index === own ? ' class="own"' : '')}>${cells.map(cell)}</tr>
`;
  return markup`<div class="wide"><table>
<caption>${caption}</caption>
<thead><tr>${header.map((text) => markup`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>
${rows.map(row)}</tbody>
</table></div>
`;
}

/** Names and values. */
export function listOf(pairs: readonly (readonly [string, string])[]): Markup {
  return markup`<dl>
${pairs.map(
  ([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>
`,
)}</dl>
`;
}
