/**
 * A forest as named tensors and back. Reading checks every array, so that whatever a file holds, a walk from a root
 * ends in a leaf and reads no memory but its own: children lie inside their tree and after their parent, features and
 * sets exist, numbers are finite. O(nodes). Knows nothing of files.
 */
import { SoraError } from '../errors.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS } from './forest.ts';
import { decodeTensors, encodeTensors, type Tensors } from './safetensors.ts';

/** Arrays of a forest by name, and what they count. */
const ARRAYS = {
  base: [Float64Array, 'outputs'],
  starts: [Uint32Array, 'starts'],
  treeOutputs: [Uint32Array, 'trees'],
  nodeFeatures: [Int32Array, 'nodes'],
  lefts: [Uint32Array, 'nodes'],
  thresholds: [Float64Array, 'nodes'],
  flags: [Uint8Array, 'nodes'],
  leafValues: [Float64Array, 'nodes'],
  gains: [Float64Array, 'nodes'],
  covers: [Float64Array, 'nodes'],
  sets: [Uint32Array, 'sets'],
} as const;
type ArrayName = keyof typeof ARRAYS;
const NAMES = Object.keys(ARRAYS) as ArrayName[];

/** Outputs and features that a forest must have. */
export interface ForestShape {
  readonly outputs: number;
  readonly features: number;
}

/** The forest as tensors; sets are a row of {@link SET_WORDS} words each. The arrays are not copied. */
export function forestTensors(forest: Forest): Tensors {
  return Object.fromEntries(
    NAMES.map((name) => {
      const values = forest[name];
      const shape = name === 'sets' ? [values.length / SET_WORDS, SET_WORDS] : [values.length];
      return [name, { shape, values }];
    }),
  );
}

/** The forest in tensors; throws `corrupt`, naming `where` and what is wrong, unless it can be walked safely. */
export function forestFromTensors(tensors: Tensors, shape: ForestShape, where: string): Forest {
  const { outputs, features } = shape;
  const arrays = Object.fromEntries(NAMES.map((name) => [name, arrayOf(tensors, name, where)]));
  const forest = { outputs, features, ...arrays } as unknown as Forest;
  const problem = forestProblem(forest);
  if (problem !== undefined) throw corrupt(where, problem);
  return forest;
}

/** The forest as bytes, as references carry it. */
export function encodeForest(forest: Forest): Uint8Array {
  return encodeTensors(forestTensors(forest));
}

/** The forest of {@link encodeForest}, copied and checked. */
export function decodeForest(bytes: Uint8Array, shape: ForestShape): Forest {
  return forestFromTensors(decodeTensors(bytes), shape, 'the parameters');
}

function corrupt(where: string, problem: string): SoraError {
  return new SoraError(
    'corrupt',
    `The trees of ${where} are damaged: ${problem}. Restore the model from a backup, or train it again.`,
  );
}

function arrayOf(tensors: Tensors, name: ArrayName, where: string): Forest[ArrayName] {
  const [type] = ARRAYS[name];
  const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (tensor === undefined) throw corrupt(where, `there is no tensor "${name}"`);
  const { shape, values } = tensor;
  const fits = name === 'sets' ? shape.length === 2 && shape[1] === SET_WORDS : shape.length === 1;
  if (!(values instanceof type) || !fits) {
    const expected = name === 'sets' ? `[…, ${SET_WORDS}]` : '[…]';
    throw corrupt(
      where,
      `tensor "${name}" is [${shape.join(', ')}] of ${values.constructor.name}, not ${expected} of ${type.name}`,
    );
  }
  return values as Forest[ArrayName];
}

/** What is wrong with a forest, or undefined. O(nodes). */
function forestProblem(forest: Forest): string | undefined {
  return lengthProblem(forest) ?? treesProblem(forest) ?? nodesProblem(forest);
}

function lengthProblem(forest: Forest): string | undefined {
  const { outputs, starts } = forest;
  if (starts.length === 0) return '"starts" is empty';
  const nodes = starts[starts.length - 1];
  const lengths = { outputs, starts: starts.length, trees: starts.length - 1, nodes };
  for (const name of NAMES) {
    const [, counts] = ARRAYS[name];
    const expected = counts === 'sets' ? forest.sets.length : lengths[counts];
    if (forest[name].length !== expected)
      return `"${name}" has ${forest[name].length} values, and there are ${expected} ${counts}`;
  }
  return undefined;
}

function treesProblem({ outputs, starts, treeOutputs, base }: Forest): string | undefined {
  if (starts[0] !== 0) return `the first tree starts at node ${starts[0]}`;
  for (let tree = 0; tree < treeOutputs.length; tree++) {
    if (starts[tree + 1] <= starts[tree]) return `tree ${tree} has no nodes`;
    if (treeOutputs[tree] >= outputs) return `tree ${tree} adds to output ${treeOutputs[tree]} of ${outputs}`;
  }
  return base.every(Number.isFinite) ? undefined : 'a margin of "base" is not finite';
}

function nodesProblem(forest: Forest): string | undefined {
  const { starts, lefts, nodeFeatures } = forest;
  for (let tree = 0; tree < starts.length - 1; tree++) {
    const size = starts[tree + 1] - starts[tree];
    for (let i = 0; i < size; i++) {
      const node = starts[tree] + i;
      const problem =
        numberProblem(forest, node) ??
        (nodeFeatures[node] < 0
          ? undefined
          : (childProblem(lefts[node], i, size) ?? askProblem(forest, node)));
      if (problem !== undefined) return `node ${i} of tree ${tree} ${problem}`;
    }
  }
  return undefined;
}

function numberProblem(forest: Forest, node: number): string | undefined {
  const { nodeFeatures, features, flags, leafValues, gains, covers } = forest;
  const feature = nodeFeatures[node];
  if (feature < -1 || feature >= features) return `asks feature ${feature} of ${features}`;
  if ((flags[node] & ~(MISSING_LEFT | CATEGORICAL)) !== 0) return `has flags ${flags[node]}`;
  for (const [name, value] of [
    ['value', leafValues[node]],
    ['gain', gains[node]],
    ['cover', covers[node]],
  ] as const) {
    if (!Number.isFinite(value)) return `has the ${name} ${value}`;
  }
  return undefined;
}

/** Children after their parent, both inside the tree: so no walk is longer than the tree. */
function childProblem(left: number, i: number, size: number): string | undefined {
  if (left > i && left + 1 < size) return undefined;
  return `has children ${left} and ${left + 1}, which are not among the nodes ${i + 1} to ${size - 1}`;
}

function askProblem({ thresholds, flags, sets }: Forest, node: number): string | undefined {
  const threshold = thresholds[node];
  if ((flags[node] & CATEGORICAL) === 0) return Number.isNaN(threshold) ? 'has no threshold' : undefined;
  const inside = Number.isInteger(threshold) && threshold >= 0 && threshold + SET_WORDS <= sets.length;
  return inside ? undefined : `has its set at word ${threshold} of ${sets.length}`;
}
