/**
 * The arrays of a desk: with a view that stays they are there; with one that does not, each is read from the worker's
 * notes when it is first wanted, and written back when the desk is left, if it has changed.
 */
import type { InputNotes } from '../../summary/summary.ts';
import type { BinnedView } from './view.ts';

type Name = 'margins' | 'slopes' | 'order';

/** Access to the arrays of a desk, which lie in the view. */
export interface DeskArrays {
  /** Makes sure that the array is there; false if its notes are lost. */
  load(name: Name): boolean;
  /** Says that the array is, or will be, another than noted. */
  changed(name: Name): void;
  /** Notes what has changed; false if that cannot be kept. */
  save(): boolean;
}

/** Those of a view that stays in memory. */
export const residentArrays: DeskArrays = { load: () => true, changed: () => {}, save: () => true };

/** Those of a view that is there for this call only. */
export function notedArrays(view: BinnedView, notes: InputNotes): DeskArrays {
  const present = new Set<Name>();
  const dirty = new Set<Name>();
  const bytesOf = (name: Name): Uint8Array => {
    const array = view[name];
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  };
  return {
    load(name) {
      if (!present.has(name) && !notes.read(name, bytesOf(name))) return false;
      present.add(name);
      return true;
    },
    changed(name) {
      present.add(name);
      dirty.add(name);
    },
    save: () => [...dirty].every((name) => notes.write(name, bytesOf(name))),
  };
}
