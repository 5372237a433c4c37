/**
 * The losses of the library for one row at a time: margins and a label in, slopes ∂loss/∂margin out.
 * The block has two rows, as losses want an even number; the second is padding of weight 0.
 */
import type { Loss, LossBlock } from '../../loss/loss.ts';

/** Margins and slopes of one row; margin k lies at `margins[2 · k]`. */
export class Slope {
  readonly margins: Float64Array;
  readonly slopes: Float64Array;
  readonly #loss: Loss;
  readonly #block: LossBlock;

  constructor(loss: Loss, outputs: number) {
    this.#loss = loss;
    this.margins = new Float64Array(2 * outputs);
    this.slopes = new Float64Array(2 * outputs);
    this.#block = {
      rows: 2,
      outputs,
      stride: 2,
      margins: this.margins,
      labels: new Float64Array(2),
      weights: new Float64Array(2),
      residuals: this.slopes,
    };
  }

  /** Fills `slopes` from `margins`; slopes are multiplied by the weight. */
  evaluate(label: number, weight: number): void {
    this.#block.labels[0] = label;
    this.#block.weights[0] = weight;
    this.#loss.block(this.#block);
  }
}
