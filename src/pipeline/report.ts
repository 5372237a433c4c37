/** Gathers what a report says from a training's results, and writes it beside the model. */
import { join } from 'node:path';
import { metricLabel } from '../evaluate/result.ts';
import { formatBytes, formatCount, formatDuration } from '../explain/format.ts';
import type { ReportColumn, ReportData } from '../explain/report.ts';
import { describeRecipe } from '../recipe/recipe.ts';
import { directoryStorage, removeTemporary } from '../store/directory.ts';
import { sealPage } from '../store/sealed-text.ts';
import type { ColumnProfile } from '../summary/profile.ts';
import { describeEnd, describeValues } from './describe.ts';
import type { Fitted } from './fit.ts';
import type { TrainResult } from './train-result.ts';

const REPORT_FILE = 'report.html';

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
      ...(rows.calibration === undefined
        ? []
        : [['rows to calibrate', formatCount(rows.calibration)] as const]),
      ['rows held out', formatCount(rows.test)],
      ['features', formatCount(result.featureCount)],
      ['fit', describeEnd(fit)],
      ['time', formatDuration(1000 * total)],
      ['peak memory', formatBytes(result.peakMemory)],
      ['snapshot', result.model.provenance.snapshot?.slice(0, 12) ?? ''],
    ],
    metrics: (evaluation?.metrics ?? []).map((metric) => ({ ...metric, name: metricLabel(metric.name) })),
    features: result.features.filter(({ strength }) => strength > 0),
    strength: result.strength,
    ...(result.contributions ? { contributions: result.contributions } : {}),
    history: fitted.learner.history,
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

/** Removes the report of the model that is about to be replaced: none is better than one of another model. */
export async function removeReport(directory: string): Promise<void> {
  await directoryStorage(directory).delete(REPORT_FILE);
}

/** Writes the report into the model directory, sealed; returns its path. */
export async function writeReport(result: TrainResult, fitted: Fitted): Promise<string> {
  const { renderReport } = await import('../explain/report.ts');
  const { directory } = result;
  const page = sealPage(renderReport(reportData(result, fitted)));
  const storage = directoryStorage(directory);
  await storage.put(REPORT_FILE, new TextEncoder().encode(page));
  await storage.flush([REPORT_FILE]);
  await removeTemporary(directory);
  return join(directory, REPORT_FILE);
}
