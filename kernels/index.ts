// Entry of the kernels: every export of the WebAssembly module, one file a family.
export { expArray, logArray } from './elementary';
export { blockSum, denseCurvature, denseDiagonal, denseGradient, denseMargins } from './dense';
export { checksumBlocks, checksumStripes } from './checksum';
export { factorMargins, factorPass } from './factor';
export { forestBlock, forestMirror } from './forest';
export { csvLines, csvRows } from './csv';
export { csrCurvature, csrDiagonal, csrGradient, csrMargins } from './csr';
export { denseRows, denseScales, sgdCsr, sgdDense } from './sgd';
export { onlineAdagrad, onlineEntries, onlineFtrl } from './online';
export { clippedBlock, hingeBlock } from './scale';
export { rankPairs } from './rank';
export { treeSearch } from './search';
export { mergeDistinct, sortDistinct } from './sort';
export { shapAdd, shapDistinct, shapPairTerms, shapSplit, shapSplitSet, shapTerms } from './shap';
export {
  treeAdd,
  treeBins,
  treeGather,
  treeHash,
  treeHistograms,
  treeMerge,
  treePack,
  treeQuantize,
  treeQuantizeSome,
  treeRecords,
  treeRoots,
  treeShare,
  treeSlopes,
  treeSplits,
  treeSubtract,
  treeUnzip,
} from './tree';
export { huberBlock, logisticBlock, poissonBlock, softmaxBlock, squaredBlock } from './loss';
export { gammaBlock, quantileBlock, tweedieBlock } from './loss';

/** End of static data: must stay below the first page, where the arena begins. */
export function staticEnd(): usize {
  return __heap_base;
}
