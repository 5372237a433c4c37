/**
 * Loading a loss of the user's own by reference. Main thread and workers each load it before they need it: a fit when it
 * starts, a worker when it makes the view of the fit.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import { completed, type OwnLoss } from '../loss/own.ts';
import { keepLoss, type LossSpec } from '../loss/registry.ts';
import { type Reference, resolveReference } from '../run/reference.ts';

/** The loss as rounds carry it, once its module is loaded. Throws `bad-option` where the reference names no loss. */
export async function loadLoss(reference: Reference): Promise<LossSpec> {
  const { module, name, options = null } = reference;
  const key = canonicalJson([module, name, options]);
  let own: OwnLoss;
  try {
    own = await resolveReference<OwnLoss>(reference);
  } catch (cause) {
    if (cause instanceof SoraError && cause.code !== 'internal') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SoraError('bad-option', `Loss "${name}" of ${module} cannot be loaded: ${reason}`, {
      cause,
      details: { option: 'loss' },
    });
  }
  keepLoss(key, completed(own, `"${name}" of ${module}`));
  return { name: 'own', own: key };
}

/** Whether a loss is one of the user's own. */
export function isOwn(loss: unknown): loss is Reference {
  return typeof loss === 'object' && loss !== null && 'module' in loss;
}
