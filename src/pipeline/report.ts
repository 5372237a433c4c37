/** Gathers what a report says from a training's results, and writes it beside the model. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, formatCount, formatDuration, formatNumber, formatPercent } from '../explain/format.ts';
import { type ReportColumn, type ReportData, renderReport } from '../explain/report.ts';
import { describeRecipe } from '../recipe/recipe.ts';
import type { ColumnProfile, NumberProfile } from '../summary/profile.ts';
import type { Fitted } from './fit.ts';
import type { TrainResult } from './train-result.ts';

export const REPORT_FILE = 'report.html';

/** Values of a column in a few words. */
export function describeValues(column: ColumnProfile): string {
  if (column.type === 'number') return describeNumbers(column, formatNumber);
  if (column.type === 'timestamp')
    return describeNumbers(column, (time) => new Date(time).toISOString().slice(0, 16));
  if (column.type === 'boolean') return `${formatPercent(column.trues / Math.max(1, column.present))} true`;
  if (column.type === 'category') {
    const top = column.values
      .slice(0, 3)
      .map(({ value, count }) => `${value} ${formatPercent(count / column.present)}`);
    return `${formatCount(column.distinct.estimate)} levels: ${top.join(', ')}`;
  }
  if (column.type === 'sparse')
    return `${formatCount(column.entries)} entries of ${formatCount(column.width)} features`;
  if (column.type === 'text') return `${formatNumber(column.words.mean ?? 0)} words on average`;
  return '';
}

function describeNumbers({ min, max, mean }: NumberProfile, format: (value: number) => string): string {
  if (min === null || max === null || mean === null) return 'no values';
  return `${format(min)} … ${format(max)}, mean ${format(mean)}`;
}

function describeColumn(column: ColumnProfile, fitted: Fitted): ReportColumn {
  const prefix = `${column.name}: `;
  const line = describeRecipe(fitted.recipe).find((text) => text.startsWith(prefix));
  const rows = column.present + column.missing;
  return {
    name: column.name,
    type: column.type,
    role: column.role,
    missing: rows > 0 ? column.missing / rows : 0,
    summary: column.present > 0 ? describeValues(column) : 'no values',
    recipe: line?.slice(prefix.length) ?? '',
  };
}

/** What the report of a training says. */
export function reportData(result: TrainResult, fitted: Fitted): ReportData {
  const { evaluation, fit, rows, seconds } = result;
  const total = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  return {
    title: `${fitted.label.column}: ${result.learner}`,
    subtitle: `${result.target} · trained on ${formatCount(rows.train)} rows`,
    verdict: result.verdict,
    facts: [
      ['rows learned from', formatCount(rows.train)],
      ['rows held out', formatCount(rows.test)],
      ['features', formatCount(result.featureCount)],
      ['rounds', `${fit.rounds}${fit.converged ? ', converged' : `, not converged (${fit.reason})`}`],
      ['time', formatDuration(1000 * total)],
      ['peak memory', formatBytes(result.peakMemory)],
      ['snapshot', result.model.provenance.snapshot?.slice(0, 12) ?? ''],
    ],
    metrics: evaluation?.metrics ?? [],
    features: result.features.filter(({ strength }) => strength > 0),
    history: fitted.result.history.map(({ objective }, round) => ({ round, objective })),
    calibration: (evaluation?.calibration ?? []).map(({ predicted, observed, weight }) => ({
      predicted,
      observed,
      rows: weight,
    })),
    roc: evaluation?.curve,
    columns: fitted.profile.columns.map((column) => describeColumn(column, fitted)),
    notes: result.notes,
  };
}

/** Writes the report into the model directory; returns its path. */
export async function writeReport(result: TrainResult, fitted: Fitted): Promise<string> {
  const path = join(result.directory, REPORT_FILE);
  await writeFile(path, renderReport(reportData(result, fitted)));
  return path;
}
