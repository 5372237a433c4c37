/** Which features a node of a tree may ask: samples for the tree and for each level, and sets that may stand together. */
import { combine32 } from '../../random.ts';
import type { NodePath } from './grow.ts';
import type { FitTreesOptions } from './options.ts';

type Rule = (node: NodePath) => Uint8Array | undefined;

/** The rule of one tree; undefined where every node may ask all features. */
export function columnRule(options: FitTreesOptions, round: number, output: number): Rule | undefined {
  const { features, columnShare = 1, levelColumnShare = 1, interactions, seed = 1 } = options;
  const key = combine32(combine32(seed, round), output + 1);
  const ofTree = columnShare < 1 ? sample(all(features), columnShare, key) : undefined;
  const ofLevel = levelRule(ofTree ?? all(features), levelColumnShare, key);
  const together = interactions && togetherRule(interactions, features);
  if (ofLevel === undefined && together === undefined) return ofTree && (() => ofTree);
  return (node) => {
    const sampled = ofLevel?.(node) ?? ofTree ?? all(features);
    const allowed = together?.(node);
    return allowed === undefined ? sampled : sampled.map((one, f) => one & allowed[f]);
  };
}

function all(features: number): Uint8Array {
  return new Uint8Array(features).fill(1);
}

/** At random, so large a share of the features in `from`, one at least. */
function sample(from: Uint8Array, share: number, key: number): Uint8Array {
  const present = [...from.keys()].filter((f) => from[f] === 1);
  const order = present.sort((a, b) => combine32(key, a) - combine32(key, b) || a - b);
  const out = new Uint8Array(from.length);
  for (const f of order.slice(0, Math.max(1, Math.ceil(share * order.length)))) out[f] = 1;
  return out;
}

function levelRule(
  from: Uint8Array,
  share: number,
  key: number,
): ((node: NodePath) => Uint8Array) | undefined {
  if (share >= 1) return undefined;
  const levels: Uint8Array[] = [];
  return ({ depth }) => (levels[depth] ??= sample(from, share, combine32(key, 0x1e7e1 + depth)));
}

/** The features that stand in a set with all that the path asks; before any is asked, every feature. */
function togetherRule(sets: readonly (readonly number[])[], features: number): Rule {
  const grouped = new Set(sets.flat());
  const alone = [...all(features).keys()].filter((f) => !grouped.has(f)).map((f) => [f]);
  const groups = [...sets, ...alone];
  return ({ asked }) => {
    if (asked.size === 0) return undefined;
    const allowed = new Uint8Array(features);
    for (const group of groups) {
      if ([...asked].every((f) => group.includes(f))) for (const f of group) allowed[f] = 1;
    }
    return allowed;
  };
}
