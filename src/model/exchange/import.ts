/** A model file of another library, by what stands in it: the one place that knows all of them. */
import { SoraError } from '../../errors.ts';
import type { Imported } from './build.ts';
import { importLightgbm, isLightgbm } from './lightgbm.ts';
import { importXgboost, isXgboost } from './xgboost.ts';

/** Reads a model; throws `unsupported-format` when no reader knows the text, `where` naming the file. */
export function importText(text: string, where: string): Imported {
  if (isLightgbm(text)) return importLightgbm(text, where);
  if (isXgboost(text)) return importXgboost(text, where);
  throw new SoraError(
    'unsupported-format',
    `${where} is neither a text model of LightGBM nor a JSON model of XGBoost. Save it with Booster.save_model("model.txt") of LightGBM, or save_model("model.json") of XGBoost.`,
  );
}
