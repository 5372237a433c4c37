/**
 * Reading FlatBuffers with every access checked: Arrow's metadata, from bytes that nobody has vouched for.
 * A position outside the view throws `RangeError`, a count is checked against the bytes it would need before it
 * is used, so that no file can make the reader loop or allocate beyond its own size.
 * Layout: https://flatbuffers.dev/internals (tables, vtables, vectors).
 */

/** A table in a view: `slot(n)` is where its field n lies, or 0 if it is absent. */
export interface FlatTable {
  readonly view: DataView;
  slot(field: number): number;
}

/** The table that starts at `at`. */
export function tableAt(view: DataView, at: number): FlatTable {
  const vtable = at - view.getInt32(at, true);
  const bytes = view.getUint16(vtable, true);
  return {
    view,
    slot(field) {
      const entry = 4 + 2 * field;
      const offset = entry + 2 <= bytes ? view.getUint16(vtable + entry, true) : 0;
      return offset === 0 ? 0 : at + offset;
    },
  };
}

/** The table that the 4 bytes at `at` point to: the root at 0, or an element of a vector of tables. */
export function tableBehind(view: DataView, at: number): FlatTable {
  return tableAt(view, at + view.getUint32(at, true));
}

/** The table in a field; throws `RangeError` if it is absent. */
export function tableField(table: FlatTable, field: number): FlatTable {
  return tableBehind(table.view, present(table.slot(field), field));
}

/** A number of one kind in a field, or the default of its schema. */
export function numberField(
  table: FlatTable,
  field: number,
  kind: 'int8' | 'int16' | 'int32' | 'int64',
  fallback = 0,
): number {
  const at = table.slot(field);
  if (at === 0) return fallback;
  if (kind === 'int8') return table.view.getInt8(at);
  if (kind === 'int16') return table.view.getInt16(at, true);
  return kind === 'int32' ? table.view.getInt32(at, true) : int64(table.view, at);
}

/** A 64-bit integer as a number; throws `RangeError` if a number cannot hold it. */
export function int64(view: DataView, at: number): number {
  const value = view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
  if (!Number.isSafeInteger(value)) throw new RangeError(`64-bit integer at ${at} is out of range`);
  return value;
}

/** Where the elements of a vector field start, and how many there are; none if it is absent. */
export function vectorField(
  table: FlatTable,
  field: number,
  stride: number,
): { start: number; count: number } {
  const at = table.slot(field);
  if (at === 0) return { start: 0, count: 0 };
  const start = at + table.view.getUint32(at, true) + 4;
  const count = table.view.getUint32(start - 4, true);
  if (start + count * stride > table.view.byteLength) {
    throw new RangeError(`a vector of ${count} × ${stride} bytes does not fit the file`);
  }
  return { start, count };
}

/** A string field; throws `RangeError` if it is absent. */
export function stringField(table: FlatTable, field: number): string {
  present(table.slot(field), field);
  const { start, count } = vectorField(table, field, 1);
  return Buffer.from(table.view.buffer, table.view.byteOffset + start, count).toString('utf8');
}

function present(at: number, field: number): number {
  if (at === 0) throw new RangeError(`field ${field} is absent`);
  return at;
}
