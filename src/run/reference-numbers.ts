/** Short names for references, so that large options cross to a thread once. */
import { sha256 } from './node-keys.ts';
import type { Reference } from './reference.ts';

/** Numbers references: equal module, name and options give one number; the same object is looked up quickly. */
export class ReferenceNumbers {
  readonly #byObject = new WeakMap<Reference, number>();
  readonly #byHash = new Map<string, number>();

  of(reference: Reference): number {
    const known = this.#byObject.get(reference);
    if (known !== undefined) return known;
    const hash = sha256(JSON.stringify([reference.module, reference.name, reference.options ?? null]));
    const number = this.#byHash.get(hash) ?? this.#byHash.size;
    this.#byHash.set(hash, number);
    this.#byObject.set(reference, number);
    return number;
  }
}
