/**
 * The compiled kernels over this thread's memory, instantiated on first use (synchronously: about a millisecond).
 * Pointers are byte offsets into the memory; layouts and formulas are documented in kernels/.
 */
import { SoraError } from '../errors.ts';
import { type WasmMemory, wasm } from '../webassembly.ts';
import { kernelMemory } from './memory.ts';
import { WASM_BASE64 } from './wasm-bytes.ts';

/** One signature for the block of every loss: see kernels/loss.ts. Returns Σ weight · loss. */
export type LossKernel = (
  marginsPtr: number,
  labelsPtr: number,
  weightsPtr: number,
  residualsPtr: number,
  curvaturesPtr: number,
  rows: number,
  outputs: number,
  strideBytes: number,
  parameter: number,
  unitWeights: number,
) => number;

/** Names of the loss kernels, in the order that kernels/sgd.ts counts them. */
export const LOSS_KERNELS = [
  'squaredBlock',
  'huberBlock',
  'logisticBlock',
  'softmaxBlock',
  'poissonBlock',
  'gammaBlock',
  'tweedieBlock',
  'quantileBlock',
] as const;
export type LossKernelName = (typeof LOSS_KERNELS)[number];

type Total = (...pointersAndCounts: number[]) => number;
type Pointers = (...pointersAndCounts: number[]) => void;

/** Exports of the WebAssembly module. */
export interface KernelExports extends Record<LossKernelName, LossKernel> {
  readonly staticEnd: () => number;
  readonly checksumBlocks: Pointers;
  readonly checksumStripes: Pointers;
  readonly clippedBlock: Pointers;
  readonly hingeBlock: Pointers;
  readonly expArray: Pointers;
  readonly logArray: Pointers;
  readonly blockSum: Pointers;
  readonly denseMargins: Pointers;
  readonly denseGradient: Pointers;
  readonly denseDiagonal: Pointers;
  readonly denseCurvature: Pointers;
  readonly csvLines: Total;
  readonly csvRows: Total;
  readonly csrMargins: Pointers;
  readonly csrGradient: Pointers;
  readonly csrDiagonal: Pointers;
  readonly csrCurvature: Pointers;
  readonly denseRows: Pointers;
  readonly denseScales: Pointers;
  readonly sgdDense: Total;
  readonly sgdCsr: Total;
  readonly onlineAdagrad: Pointers;
  readonly onlineEntries: Pointers;
  readonly onlineFtrl: Pointers;
  readonly mergeDistinct: Total;
  readonly sortDistinct: Total;
  readonly shapDistinct: Total;
  readonly shapSplit: Pointers;
  readonly shapSplitSet: Pointers;
  readonly shapTerms: Pointers;
  readonly shapPairTerms: Pointers;
  readonly shapAdd: Pointers;
  readonly treeHistograms: Total;
  readonly treeGather: Pointers;
  readonly treeRoots: Pointers;
  readonly treeUnzip: Pointers;
  readonly treeSplits: Pointers;
  readonly treeHash: Pointers;
  readonly treeRecords: Pointers;
  readonly treeQuantize: Pointers;
  readonly treeQuantizeSome: Pointers;
  readonly treeMerge: Pointers;
  readonly treePack: Pointers;
  readonly treeShare: Total;
  readonly treeSlopes: Pointers;
  readonly treeSubtract: Pointers;
  readonly treeSearch: Pointers;
  readonly rankPairs: Total;
  readonly treeAdd: Pointers;
  readonly treeBins: Pointers;
  readonly factorMargins: Pointers;
  readonly factorPass: Total;
  readonly forestBlock: Pointers;
  readonly forestMirror: Pointers;
}

/** Static data must end before the arena begins, at the first page. */
export const STATIC_LIMIT = 65_536;

let compiled: object | undefined;
let loaded: KernelExports | undefined;

/** The kernels of this thread. */
export function loadKernels(): KernelExports {
  loaded ??= kernelsOver(kernelMemory());
  return loaded;
}

/** The kernels over a memory; they write static data below {@link STATIC_LIMIT}. */
export function kernelsOver(memory: WasmMemory): KernelExports {
  compiled ??= new wasm.Module(Uint8Array.from(atob(WASM_BASE64), (character) => character.charCodeAt(0)));
  const abort = () => {
    throw new SoraError('internal', 'A kernel aborted.');
  };
  const kernels = new wasm.Instance(compiled, { env: { memory, abort } }).exports as unknown as KernelExports;
  if (kernels.staticEnd() > STATIC_LIMIT) {
    throw new SoraError(
      'internal',
      `Static data of the kernels ends at ${kernels.staticEnd()}, beyond ${STATIC_LIMIT}.`,
    );
  }
  return kernels;
}
