/**
 * Rows of a particle through a learner's kernel, a block at a time: rows are encoded into the memory that the learner's
 * records lie in, then learned there in order. Encoding a row depends on the rows before it and never on the learner, so
 * the bytes are those of `read` and `learn` in a loop (law: online.test.ts).
 */
import { hashEntries, ONLINE_ENTRIES, type OnlineMemory } from '../../kernel/online.ts';
import type { LinearEncoder } from './encode.ts';
import type { BlockLearner, OnlineLearner } from './learner.ts';
import type { ParticleSource } from './source.ts';

/** Rows of a particle to be learned from, in order, with their labels and weights. */
export interface RowBatch {
  /** At most `ONLINE_ROWS` of src/kernel/online.ts. */
  readonly count: number;
  readonly rows: Uint32Array;
  readonly labels: Float64Array;
  readonly weights: Float64Array;
}

/** Learns batches by the kernel of `learner`. */
export class BlockRunner {
  readonly #encoder: LinearEncoder;
  readonly #learner: OnlineLearner;
  readonly #blocks: BlockLearner;
  readonly #memory: OnlineMemory;
  /** Whether the encoder has read the next row already. */
  #held = false;

  private constructor(
    encoder: LinearEncoder,
    learner: OnlineLearner,
    blocks: BlockLearner,
    memory: OnlineMemory,
  ) {
    this.#encoder = encoder;
    this.#learner = learner;
    this.#blocks = blocks;
    this.#memory = memory;
  }

  /** Undefined where the learner has no kernel, or there is no room for its records. */
  static open(encoder: LinearEncoder, learner: OnlineLearner): BlockRunner | undefined {
    const memory = learner.blocks?.open();
    if (learner.blocks === undefined || memory === undefined) return undefined;
    return new BlockRunner(encoder, learner, learner.blocks, memory);
  }

  /** Learns the rows; what the model said of each before it goes into `answers`, `outputs` a row. */
  learn(source: ParticleSource, batch: RowBatch, answers?: Float64Array): void {
    const { count } = batch;
    const outputs = (answers?.length ?? 0) / count;
    for (let from = 0; from < count; ) {
      const taken = this.#encode(source, batch, from);
      const to = Math.max(taken, from + 1);
      const out = answers?.subarray(from * outputs, to * outputs);
      if (taken > from) this.#learnBlock(batch, from, to, out);
      else this.#learnLong(source, batch, from, out);
      from = to;
    }
  }

  #learnBlock(batch: RowBatch, from: number, to: number, out: Float64Array | undefined): void {
    const memory = this.#memory;
    memory.labels.set(batch.labels.subarray(from, to));
    memory.weights.set(batch.weights.subarray(from, to));
    this.#blocks.learn(memory, to - from);
    if (out !== undefined) this.#blocks.answers(memory, to - from, out);
  }

  /** A row of more entries than a block has room for. */
  #learnLong(source: ParticleSource, batch: RowBatch, at: number, out: Float64Array | undefined): void {
    this.#read(source, batch.rows[at]);
    if (out !== undefined) this.#learner.predict(this.#encoder.row, out);
    this.#learner.learn(this.#encoder.row, batch.labels[at], batch.weights[at]);
  }

  /** Reads a row unless that is done; a row is read once, as reading it may teach the encoder. */
  #read(source: ParticleSource, row: number): void {
    if (!this.#held) {
      source.row = row;
      this.#encoder.read(source, true);
    }
    this.#held = false;
  }

  /** Encodes rows [from, …) of the batch; gives where it stopped, which is `from` if not one row has room. */
  #encode(source: ParticleSource, batch: RowBatch, from: number): number {
    return this.#encodeColumn(source, batch, from) ?? this.#encodeRows(source, batch, from);
  }

  /** A run of rows of one sparse column, hashed by a kernel; undefined of other rows. */
  #encodeColumn(source: ParticleSource, { rows, count }: RowBatch, from: number): number | undefined {
    const slots = this.#encoder.sparseSlots;
    const sparse = slots === undefined ? undefined : source.wholeSparse(0);
    if (slots === undefined || sparse === undefined) return undefined;
    const first = rows[from];
    const begin = sparse.starts[first];
    let run = 0;
    while (
      from + run < count &&
      rows[from + run] === first + run &&
      sparse.starts[first + run + 1] - begin + run + 1 <= ONLINE_ENTRIES
    ) {
      run++;
    }
    const end = sparse.starts[first + run];
    const { column } = this.#memory;
    column.starts.set(sparse.starts.subarray(first, first + run + 1));
    column.indices.set(sparse.indices.subarray(begin, end));
    column.values.set(sparse.values.subarray(begin, end));
    hashEntries(this.#memory, run, slots);
    return from + run;
  }

  /** Rows of any columns, read one by one; one that finds no room is held for the next block. */
  #encodeRows(source: ParticleSource, { rows, count }: RowBatch, from: number): number {
    const { starts, slots, values } = this.#memory;
    const { row } = this.#encoder;
    let entries = 0;
    starts[0] = 0;
    for (let at = from; at < count; at++) {
      this.#read(source, rows[at]);
      if (entries + row.count > ONLINE_ENTRIES) {
        this.#held = true;
        return at;
      }
      for (let e = 0; e < row.count; e++) {
        slots[entries] = row.indices[e];
        values[entries++] = row.values[e];
      }
      starts[at - from + 1] = entries;
    }
    return count;
  }
}
