// Entry of the kernels: every export of the WebAssembly module, one file a family.
export { exp, log } from './elementary';
