/**
 * A picture as a list of marks, in pixels from the upper left: whoever draws it (SVG, canvas) knows nothing of data, and
 * who makes it knows nothing of drawing. Later marks cover earlier ones.
 */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** What is to be seen, as one sentence for who does not see it. */
  readonly description: string;
  readonly marks: readonly Mark[];
}

/** Colours by their purpose, which look different in light, dark and print. */
export type Token =
  | ('ink' | 'muted' | 'grid' | 'surface' | 'accent')
  | ('done' | 'failed' | 'lost' | 'cancelled' | 'running' | 'pending')
  | ('stage' | 'boot' | 'script' | 'shutdown' | 'collect')
  | ('series1' | 'series2' | 'series3' | 'series4' | 'series5' | 'series6' | 'series7' | 'series8');

/** A token, or a colour as `#rrggbb`. */
export type Paint = Token | `#${string}`;

export type Mark =
  | {
      readonly kind: 'rect';
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly fill: Paint;
      readonly opacity?: number;
      readonly radius?: number;
    }
  | {
      /** A line through the points; a NaN breaks it. */
      readonly kind: 'line';
      readonly xs: ArrayLike<number>;
      readonly ys: ArrayLike<number>;
      readonly stroke: Paint;
      readonly width: number;
      readonly opacity?: number;
      readonly dash?: readonly number[];
    }
  | {
      /** The area between two lines over the same xs. */
      readonly kind: 'area';
      readonly xs: ArrayLike<number>;
      readonly upper: ArrayLike<number>;
      readonly lower: ArrayLike<number>;
      readonly fill: Paint;
      readonly opacity?: number;
    }
  | {
      readonly kind: 'dots';
      readonly xs: ArrayLike<number>;
      readonly ys: ArrayLike<number>;
      readonly radius: number;
      readonly fill: Paint;
      /** Where each dot has a colour of its own. */
      readonly fills?: readonly Paint[];
      readonly opacity?: number;
    }
  | {
      readonly kind: 'text';
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly fill: Paint;
      readonly size: number;
      readonly anchor?: 'start' | 'middle' | 'end';
      readonly baseline?: 'middle' | 'bottom' | 'top';
      readonly bold?: boolean;
      /** Reads from below to above. */
      readonly upright?: boolean;
    };

/** Where the data are in a scene: between the axes. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A scene in which something can be pointed at. */
export interface Chart {
  readonly scene: Scene;
  /** What is nearest to a place; undefined where nothing is near. */
  readonly hit: (x: number, y: number) => Hit | undefined;
}

export interface Hit {
  readonly x: number;
  readonly y: number;
  /** Rows of the table that are there. */
  readonly rows: readonly number[];
  /** What to say of it. */
  readonly lines: readonly string[];
}
