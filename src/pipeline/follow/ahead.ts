/** A bounded queue between a source and whoever takes from it: a few batches are read ahead, no more. */

/** What came, and when (`performance.now()`). */
export interface Arrived<T> {
  readonly value: T;
  readonly at: number;
}

export class Ahead<T> {
  readonly #limit: number;
  readonly #items: Arrived<T>[] = [];
  #done = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #space: (() => void) | undefined;
  readonly #pump: Promise<void>;

  /** Reads `source`, at most `limit` values ahead. */
  constructor(source: AsyncIterable<T>, limit: number) {
    this.#limit = limit;
    this.#pump = this.#run(source);
  }

  async #run(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const value of source) {
        this.#items.push({ value, at: performance.now() });
        this.#wake?.();
        while (this.#items.length >= this.#limit && !this.#done) {
          await new Promise<void>((resolve) => {
            this.#space = resolve;
          });
        }
        if (this.#done) return;
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#done = true;
      this.#wake?.();
    }
  }

  /**
   * The next value; `undefined` when none comes for `milliseconds`, `'end'` after the last. Throws what the source threw,
   * after the values before it.
   */
  async next(milliseconds: number): Promise<Arrived<T> | undefined | 'end'> {
    if (this.#items.length === 0 && !this.#done) await this.#wait(milliseconds);
    const item = this.#items.shift();
    this.#space?.();
    if (item !== undefined) return item;
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#done ? 'end' : undefined;
  }

  async #wait(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** Stops reading; what had been read ahead is forgotten. */
  async stop(): Promise<void> {
    this.#done = true;
    this.#items.length = 0;
    this.#space?.();
    await this.#pump;
  }
}
