/** Parts of screens that several commands share: metrics beside the baseline, paths as the user would type them. */
import { isAbsolute, relative } from 'node:path';
import { type EvaluationResult, metricLabel } from '../evaluate/result.ts';
import { formatCount, formatNumber } from '../explain/format.ts';
import type { FoldMetric } from '../pipeline/cross-validate.ts';
import { alignRows } from './terminal.ts';

/** A path below the working directory relative to it; others as they are. */
export function pathOf(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') || isAbsolute(short) ? path : short;
}

/** The first names of a list, and how many more there are. */
export function listOf(names: readonly string[], most = 12): string {
  const more = names.length > most ? [`… ${formatCount(names.length - most)} more`] : [];
  return [...names.slice(0, most), ...more].join(', ');
}

/** Table of metrics: model, interval, baseline, and the mean over folds where there are any. */
export function metricsScreen(
  evaluation: EvaluationResult | undefined,
  folds?: readonly FoldMetric[],
): string {
  if (!evaluation) return '  No rows were held out, so nothing is said of how good the model is.\n';
  const head = [`  on ${formatCount(evaluation.rows)} rows`, 'model', '95 % interval', 'baseline'];
  const rows = evaluation.metrics.map((metric) => {
    const fold = folds?.find(({ name }) => name === metric.name);
    return [
      `    ${metricLabel(metric.name)}`,
      formatNumber(metric.value),
      metric.interval ? metric.interval.map(formatNumber).join(' – ') : '',
      metric.baseline === undefined ? '' : formatNumber(metric.baseline),
      ...(folds ? [fold ? `${formatNumber(fold.mean)} ± ${formatNumber(fold.deviation)}` : ''] : []),
    ];
  });
  if (folds) head.push(`${folds[0]?.values.length ?? 0} folds`);
  return `${alignRows([head, ...rows], [1, 2, 3, 4])}\n`;
}
