/**
 * Charts of the report: Observable Plot drawn on a linkedom document, returned as SVG text.
 * Colours come from the page's style sheet, so that the charts follow light and dark.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const WIDTH = 480;
const MARK = 'var(--mark)';

function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const plot = Plot.plot({
    width: WIDTH,
    style: { fontSize: '12px', background: 'transparent' },
    ...options,
    document: document as unknown as Plot.PlotOptions['document'],
  });
  return plot.outerHTML;
}

/** Horizontal bars, strongest first as given. */
export function chartBars(
  bars: readonly { readonly name: string; readonly strength: number }[],
  label = 'strength',
): string {
  const longest = Math.max(...bars.map((bar) => bar.name.length));
  return draw({
    marginLeft: Math.min(190, 24 + 7 * longest),
    height: 44 + 22 * bars.length,
    x: { label, grid: true },
    y: { label: null, domain: bars.map((bar) => bar.name), tickFormat: (name: string) => shorten(name) },
    marks: [Plot.barX(bars, { x: 'strength', y: 'name', fill: MARK }), Plot.ruleX([0])],
  });
}

function shorten(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}

/** Observed against predicted means of groups of rows, with the diagonal. */
export function chartCalibration(
  groups: readonly { readonly predicted: number; readonly observed: number; readonly rows: number }[],
): string {
  const values = groups.flatMap((group) => [group.predicted, group.observed]);
  const low = Math.min(...values);
  const high = Math.max(...values);
  return draw({
    height: 340,
    marginLeft: 56,
    x: { label: 'mean prediction', grid: true },
    y: { label: 'mean of what was observed', grid: true },
    r: { range: [2, 9] },
    marks: [
      Plot.link([[low, high]], {
        x1: low,
        y1: low,
        x2: high,
        y2: high,
        stroke: 'currentColor',
        strokeOpacity: 0.4,
        strokeDasharray: '4 3',
      }),
      Plot.line(groups, { x: 'predicted', y: 'observed', stroke: MARK }),
      Plot.dot(groups, { x: 'predicted', y: 'observed', r: 'rows', fill: MARK }),
    ],
  });
}

/** Receiver operating characteristic, with the line of chance. */
export function chartRoc(
  points: readonly { readonly falsePositive: number; readonly truePositive: number }[],
): string {
  return draw({
    height: 340,
    x: { label: 'false positive rate', grid: true, domain: [0, 1] },
    y: { label: 'true positive rate', grid: true, domain: [0, 1] },
    marks: [
      Plot.link([0], {
        x1: 0,
        y1: 0,
        x2: 1,
        y2: 1,
        stroke: 'currentColor',
        strokeOpacity: 0.4,
        strokeDasharray: '4 3',
      }),
      Plot.line(points, { x: 'falsePositive', y: 'truePositive', stroke: MARK, strokeWidth: 2 }),
    ],
  });
}

/** Objective of the training rows after a round, and of rows kept back if there are any. */
export interface HistoryPoint {
  readonly round: number;
  readonly objective: number;
  readonly holdOut?: number;
}

/** More rounds than this are a line without dots. */
const MOST_DOTS = 60;

/** Objective by round; that of rows kept back dashed, each line named at its end. */
export function chartHistory(rounds: readonly HistoryPoint[], label = 'objective'): string {
  const kept = rounds.filter(({ holdOut }) => holdOut !== undefined);
  const line = { x: 'round', y: 'objective', stroke: MARK };
  const dashed = { x: 'round', y: 'holdOut', stroke: 'currentColor', strokeDasharray: '5 3' };
  const name = (y: string, text: string, lineAnchor: 'top' | 'bottom') =>
    Plot.text(kept.slice(-1), { x: 'round', y, text: () => text, textAnchor: 'start', dx: 5, lineAnchor });
  return draw({
    height: 340,
    marginLeft: 64,
    marginRight: kept.length > 0 ? 64 : 20,
    x: { label: 'round', tickFormat: 'd' },
    y: { label, grid: true },
    marks: [
      Plot.line(rounds, line),
      ...(rounds.length > MOST_DOTS
        ? []
        : [Plot.dot(rounds, { ...line, stroke: 'none', fill: MARK, r: 2.5 })]),
      ...(kept.length > 0
        ? [
            Plot.line(kept, dashed),
            name('objective', 'training', 'top'),
            name('holdOut', 'kept back', 'bottom'),
          ]
        : []),
    ],
  });
}
