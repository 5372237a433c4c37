/**
 * Comparing and showing values of any shape, for the laws: in depth, 0 equal to -0, NaN equal to itself.
 */

type Plain = Readonly<Record<string, unknown>>;

/** Whether two values are equal in depth: typed arrays, arrays, maps, sets, plain objects and numbers. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return equalLists(listOf(a), listOf(b));
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && equalLists(a, b);
  }
  if (a instanceof Map && b instanceof Map) return equalMaps(a, b);
  if (a instanceof Set && b instanceof Set) return a.size === b.size && [...a].every((item) => b.has(item));
  return equalObjects(a as Plain, b as Plain);
}

function listOf(view: ArrayBufferView): ArrayLike<unknown> {
  return view instanceof DataView
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : (view as never);
}

function equalLists(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
  return true;
}

function equalMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.has(key) && deepEqual(value, b.get(key)));
}

function equalObjects(a: Plain, b: Plain): boolean {
  const [keys, others] = [keysOf(a), keysOf(b)];
  return (
    keys.length === others.length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  );
}

/** Keys with a value: an absent property and one that is undefined are the same. */
function keysOf(value: Plain): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** A comparison of values whose numbers may differ by `relative` of the greater, or by `absolute`; all else equal. */
export function nearly(relative: number, absolute = relative): (a: unknown, b: unknown) => boolean {
  const close = (a: unknown, b: unknown): boolean => {
    if (typeof a === 'number' && typeof b === 'number') {
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
      return Math.abs(a - b) <= Math.max(absolute, relative * Math.max(Math.abs(a), Math.abs(b)));
    }
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return deepEqual(a, b);
    if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return every(listOf(a), listOf(b), close);
    if (Array.isArray(a) && Array.isArray(b)) return every(a, b, close);
    if (a instanceof Map && b instanceof Map) {
      return a.size === b.size && [...a].every(([key, value]) => b.has(key) && close(value, b.get(key)));
    }
    const [x, y] = [a as Plain, b as Plain];
    return keysOf(x).length === keysOf(y).length && keysOf(x).every((key) => close(x[key], y[key]));
  };
  return close;
}

function every(
  a: ArrayLike<unknown>,
  b: ArrayLike<unknown>,
  same: (a: unknown, b: unknown) => boolean,
): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
  return true;
}

/** A copy that later changes of the original do not reach. */
export function snapshot<T>(value: T): T {
  return structuredClone(value);
}

/** A short text of any value, for error messages. */
export function describe(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (ArrayBuffer.isView(item)) return Array.from(listOf(item));
    if (item instanceof Map) return [...item];
    if (typeof item === 'number' && !Number.isFinite(item)) return String(item);
    if (typeof item === 'bigint') return String(item);
    return item;
  });
  return text === undefined ? String(value) : text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
