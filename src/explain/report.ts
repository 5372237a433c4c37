/**
 * The report: one self-contained HTML page about a trained model, charts included as SVG, no script, no network.
 * Knows only {@link ReportData}: whoever trained gathers the facts. Charts are Observable Plot's, drawn on linkedom.
 */
import { chartBars, chartCalibration, chartHistory, chartRoc, type HistoryPoint } from './chart.ts';
import { escapeHtml, formatCounted, formatNumber, formatPercent } from './format.ts';
import { REPORT_STYLE } from './style.ts';

/** One metric on the held-out rows, beside the trivial baseline. */
export interface ReportMetric {
  readonly name: string;
  readonly value: number;
  /** 95 % confidence interval, where one is known. */
  readonly interval?: readonly [number, number];
  readonly baseline?: number;
  readonly better: 'higher' | 'lower';
}

/** One column of the data: what it holds and what the recipe makes of it. */
export interface ReportColumn {
  readonly name: string;
  readonly type: string;
  readonly role: string;
  /** Fraction of rows without a value. */
  readonly missing: number;
  readonly summary: string;
  readonly recipe: string;
}

/** Everything a report says. Numbers are as computed; formatting is the report's. */
export interface ReportData {
  readonly title: string;
  readonly subtitle: string;
  readonly verdict: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly metrics: readonly ReportMetric[];
  readonly features: readonly { readonly name: string; readonly strength: number }[];
  /** What the strength of a feature is: spread of its part of the margin, or share of the gain of trees. */
  readonly strength: 'spread' | 'gain';
  /** Mean size of each column's contribution to the margin over some held-out rows, where it is known. */
  readonly contributions?: {
    readonly rows: number;
    readonly unit: string;
    readonly columns: readonly { readonly name: string; readonly strength: number }[];
  };
  readonly history: readonly HistoryPoint[];
  readonly calibration: readonly {
    readonly predicted: number;
    readonly observed: number;
    readonly rows: number;
  }[];
  readonly roc?: readonly { readonly falsePositive: number; readonly truePositive: number }[];
  readonly columns: readonly ReportColumn[];
  readonly notes: readonly string[];
}

function section(id: string, title: string, body: string, lead = ''): string {
  const text = lead === '' ? '' : `<p class="lead">${escapeHtml(lead)}</p>`;
  return `<section id="${id}"><h2>${escapeHtml(title)}</h2>${text}${body}</section>`;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly number[],
): string {
  const cell = (tag: string, text: string, index: number) =>
    `<${tag}${numeric.includes(index) ? ' class="number"' : ''}>${escapeHtml(text)}</${tag}>`;
  const line = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((text, index) => cell(tag, text, index)).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${line('th', head)}</thead><tbody>${rows
    .map((row) => line('td', row))
    .join('')}</tbody></table></div>`;
}

function metricRow(metric: ReportMetric): string[] {
  const interval = metric.interval?.map(formatNumber).join(' – ') ?? '';
  const baseline = metric.baseline === undefined ? '' : formatNumber(metric.baseline);
  return [metric.name, formatNumber(metric.value), interval, baseline, `${metric.better} is better`];
}

function columnRow(column: ReportColumn): string[] {
  return [
    column.name,
    column.type,
    column.role,
    formatPercent(column.missing),
    column.summary,
    column.recipe,
  ];
}

const STRENGTH = {
  spread: {
    lead: 'How far each column moves the prediction: the spread of its part of the margin over the rows described here.',
    axis: 'strength',
  },
  gain: {
    lead: 'How much each column helped: its share of what all splits of all trees lowered the loss by.',
    axis: 'share of the gain',
  },
};

const HISTORY = {
  spread: {
    title: 'Convergence',
    axis: 'objective',
    history: 'Objective on the training rows after each pass over all particles.',
  },
  gain: {
    title: 'Loss by round',
    axis: 'mean loss',
    history:
      'Mean loss after each round of boosting, on the rows that trees grow on and on those kept back to stop.',
  },
};

function charts(data: ReportData): string[] {
  const sections: string[] = [];
  if (data.features.length > 0) {
    const { lead, axis } = STRENGTH[data.strength];
    const chart = chartBars(data.features.slice(0, 20), axis);
    sections.push(section('features', 'Strongest columns', chart, lead));
  }
  if (data.contributions && data.contributions.columns.length > 0) {
    const { rows, unit, columns } = data.contributions;
    const lead = `How far each column moves the prediction: the mean size of its contribution (SHAP value) to ${formatCounted(rows, 'held-out row')}, in ${unit}.`;
    sections.push(
      section('contributions', 'Contributions', chartBars(columns.slice(0, 20), `mean |SHAP|`), lead),
    );
  }
  if (data.calibration.length > 0) {
    const lead =
      'Held-out rows in groups of rising prediction: on the diagonal, the model means what it says.';
    sections.push(section('calibration', 'Calibration', chartCalibration(data.calibration), lead));
  }
  if (data.roc && data.roc.length > 0) {
    const lead = 'Share of the positive rows found against share of the negative rows raised by mistake.';
    sections.push(section('roc', 'ROC curve', chartRoc(data.roc), lead));
  }
  if (data.history.length > 1) {
    const { history, title, axis } = HISTORY[data.strength];
    sections.push(section('history', title, chartHistory(data.history, axis), history));
  }
  return sections;
}

/** The page as HTML text. O(columns + points); a few hundred milliseconds for the charts. */
export function renderReport(data: ReportData): string {
  const facts = data.facts
    .map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`)
    .join('');
  const metrics = table(
    ['metric', 'model', '95 % interval', 'baseline', ''],
    data.metrics.map(metricRow),
    [1, 2, 3],
  );
  const columns = table(
    ['column', 'type', 'role', 'missing', 'values', 'what the model sees'],
    data.columns.map(columnRow),
    [3],
  );
  const notes = data.notes.length
    ? section(
        'notes',
        'Notes',
        `<ul>${data.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
      )
    : '';
  const title = escapeHtml(data.title);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${title}</title><style>${REPORT_STYLE}</style></head><body>`,
    `<header><h1>${title}</h1><p>${escapeHtml(data.subtitle)}</p></header><main>`,
    section('result', 'Result', `<p class="verdict">${escapeHtml(data.verdict)}</p>${metrics}`),
    `<dl class="facts">${facts}</dl>`,
    `<div class="charts">${charts(data).join('')}</div>`,
    section('columns', 'Columns', columns),
    notes,
    '</main></body></html>\n',
  ].join('');
}
