/** A chart as data: what the page's script draws with uPlot. */
export interface Chart {
  /** Of the element that holds it. */
  readonly id: string;
  readonly title: string;
  /** What there is to see, for those who do not see it. */
  readonly summary: string;
  /** Of the values. */
  readonly unit: string;
  readonly x: XAxis;
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  /** Filled between two series, by their places. */
  readonly bands: readonly { readonly upper: number; readonly lower: number }[];
  /** Upright lines. */
  readonly marks: readonly { readonly x: number; readonly label: string }[];
  /** The top of the scale at least; null: what the values need. */
  readonly top: number | null;
}

export type XAxis =
  /** Seconds since the start. */
  | { readonly kind: 'time' }
  /** Steps of a load test, which double. */
  | { readonly kind: 'doublings'; readonly label: string };

export interface Series {
  readonly label: string;
  /** One of the page's colours, which are told apart without seeing colour too. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6;
  readonly line: 'solid' | 'dashed' | 'dotted' | 'none';
  /** Holds its value until the next. */
  readonly stepped: boolean;
  readonly points: boolean;
  readonly filled: boolean;
  /** Drawn thicker: the one that the page is about. */
  readonly strong: boolean;
  /** Shown while the page's selector is on this value; null: always. */
  readonly only: string | null;
  readonly values: readonly (number | null)[];
}

/** A plain line; the rest as given. */
export function seriesOf(series: Pick<Series, 'label' | 'colour' | 'values'> & Partial<Series>): Series {
  return {
    line: 'solid',
    stepped: false,
    points: false,
    filled: false,
    strong: false,
    only: null,
    ...series,
  };
}
