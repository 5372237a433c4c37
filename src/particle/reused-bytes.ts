/**
 * One block of memory that is used again and again, for work that is done with its result before it begins anew.
 * Fresh pages cost the operating system about half a millisecond a MiB, and dead ones the collector more: a worker
 * that decodes one particle after the other would spend most of its time on that.
 */

/** Grows by at least this share, so that a slowly rising size does not allocate each time. */
const SLACK = 1 / 8;

export class ReusedBytes {
  #buffer = new ArrayBuffer(0);

  /** `length` bytes, of any content; they are the same memory at each call. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (this.#buffer.byteLength < length) {
      const fits = this.#buffer.byteLength === 0 ? length : Math.ceil(length * (1 + SLACK));
      this.#buffer = new ArrayBuffer(fits);
    }
    return new Uint8Array(this.#buffer, 0, length);
  }

  /** Whether the array lies in this memory. */
  holds(array: ArrayBufferView): boolean {
    return array.buffer === this.#buffer;
  }

  /** `length` zeros. */
  zeros(length: number): Float32Array<ArrayBuffer> {
    const bytes = this.take(4 * length);
    return new Float32Array(bytes.fill(0).buffer, 0, length);
  }
}
