// Leaves of binned rows, 64 rows at a time, by comparing every node of a tree with all of them.
//
// A walk from the root waits for memory and for mispredicted branches at every node; comparing a node with 16 rows is one
// instruction, so up to some 256 leaves it costs less to ask every node than to follow the few that matter. Larger trees
// are walked, eight rows at once without branches, so that the loads of one row overlap with those of the others.
//
//   columnsPtr → i8 planes of `planeBytes`, a byte a row: the bins of a feature (missing: 127, or -128 to go left), or
//                five planes of a category: index >> 3, that - 16, 1 << (index & 7) (0 for none), 0 where missing, ones
//   programPtr → nodes, 16 bytes each:
//                u32 plane offset | u32 bin i8, bit 8 category, bit 9 missing goes left, bit 10 leaf, set from bit 11
//                children before parents:   u16 slot of left child, u16 of right | u32 own slot
//                of a tree that is walked:  u32 bytes from the root to the left child, the right one next to it, or to
//                                           itself for a leaf (bin 127: nothing goes right) | u32 bytes to its value
//   slotsPtr   → 64 bytes a slot: 256 leaves (slot k filled with k), then inner nodes: the leaf that each row would end in
//   treesPtr   → u32 nodes, root slot (-1: is walked), leaves, output; leaf values of all trees stand one after the other
//
// Leaves are numbered from left to right, so of two subtrees the right one has the larger number, and
// max(left, right & goesRight) is the leaf.

// @ts-ignore: decorator
@inline
function choose(left: usize, right: usize, out: usize, goesRight: v128): void {
  v128.store(out, i8x16.max_u(v128.load(left), v128.and(v128.load(right), goesRight)));
}

// @ts-ignore: decorator
@inline
function above(x: usize, left: usize, right: usize, out: usize, bin: v128): void {
  choose(left, right, out, i8x16.gt_s(v128.load(x), bin));
}

/** 16 rows of a categorical node: a category of the set has its bit in byte index >> 3. */
// @ts-ignore: decorator
@inline
function among(x: usize, plane: usize, keep: usize, left: usize, right: usize, out: usize, low: v128, high: v128): void {
  const bytes = v128.or(i8x16.swizzle(low, v128.load(x)), i8x16.swizzle(high, v128.load(x + plane)));
  const none = i8x16.eq(v128.and(bytes, v128.load(x + plane * 2)), i8x16.splat(0));
  choose(left, right, out, v128.and(none, v128.load(keep)));
}

const LEAF: u32 = 1024;

/** The node that a row goes to from a node; a leaf stays. */
// @ts-ignore: decorator
@inline
function next(node: usize, root: usize, row: usize, plane: usize, setsPtr: usize): usize {
  const word = load<u32>(node, 4);
  const x = row + <usize>load<u32>(node);
  const value = <i32>load<i8>(x);
  let right = <i32>(value > <i32>(<i8>word));
  if ((word & 256) != 0) {
    const byte = load<u8>(setsPtr + (<usize>(word >> 11) << 5) + <usize>value);
    const none = <i32>((byte & load<u8>(x + plane * 2)) == 0);
    right = none & <i32>load<i8>(x + plane * ((word & 512) == 0 ? 4 : 3));
  }
  return root + <usize>load<u32>(node, 8) + (<usize>right << 4);
}

// @ts-ignore: decorator
@inline
function addLeaf(margin: usize, values: usize, leaf: usize): void {
  store<f64>(margin, load<f64>(margin) + load<f64>(values + <usize>load<u32>(leaf, 12)));
}

/** Walks `count` rows, rounded up to 8, and adds their leaves to their margins. */
function walk(
  root: usize,
  values: usize,
  block: usize,
  plane: usize,
  setsPtr: usize,
  count: usize,
  margins: usize,
  rowBytes: usize,
): void {
  let m = margins;
  for (let r: usize = 0; r < count; r += 8) {
    const x = block + r;
    let a = root, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    let all: u32 = 0;
    do {
      for (let step = 0; step < 2; step++) {
        a = next(a, root, x, plane, setsPtr);
        b = next(b, root, x + 1, plane, setsPtr);
        c = next(c, root, x + 2, plane, setsPtr);
        d = next(d, root, x + 3, plane, setsPtr);
        e = next(e, root, x + 4, plane, setsPtr);
        f = next(f, root, x + 5, plane, setsPtr);
        g = next(g, root, x + 6, plane, setsPtr);
        h = next(h, root, x + 7, plane, setsPtr);
      }
      all = load<u32>(a, 4) & load<u32>(b, 4) & load<u32>(c, 4) & load<u32>(d, 4);
      all &= load<u32>(e, 4) & load<u32>(f, 4) & load<u32>(g, 4) & load<u32>(h, 4);
    } while ((all & LEAF) == 0);
    addLeaf(m, values, a);
    addLeaf((m += rowBytes), values, b);
    addLeaf((m += rowBytes), values, c);
    addLeaf((m += rowBytes), values, d);
    addLeaf((m += rowBytes), values, e);
    addLeaf((m += rowBytes), values, f);
    addLeaf((m += rowBytes), values, g);
    addLeaf((m += rowBytes), values, h);
    m += rowBytes;
  }
}

/**
 * Adds the leaf values of all trees to the margins of the rows: output k of row r at marginsPtr + 8 · (r · outputs + k).
 * Planes and margins have room for `rows` up to a multiple of 64; what is added to margins beyond `rows` means nothing.
 */
export function forestBlock(
  treesPtr: usize,
  trees: i32,
  programPtr: usize,
  setsPtr: usize,
  valuesPtr: usize,
  columnsPtr: usize,
  planeBytes: usize,
  slotsPtr: usize,
  marginsPtr: usize,
  outputs: i32,
  rows: i32,
): void {
  const rowBytes = <usize>outputs << 3;
  const treesEnd = treesPtr + (<usize>trees << 4);
  for (let first = 0; first < rows; first += 64) {
    const block = columnsPtr + <usize>first;
    const margins = marginsPtr + <usize>first * rowBytes;
    const count = <usize>min(64, rows - first);
    let node = programPtr;
    let values = valuesPtr;
    for (let tree = treesPtr; tree < treesEnd; tree += 16) {
      const end = node + (<usize>load<u32>(tree) << 4);
      let margin = margins + (<usize>load<u32>(tree, 12) << 3);
      const rootSlot = load<i32>(tree, 4);
      if (rootSlot < 0) {
        walk(node, values, block, planeBytes, setsPtr, count, margin, rowBytes);
        values += <usize>load<u32>(tree, 8) << 3;
        node = end;
        continue;
      }
      for (; node < end; node += 16) {
        const x = block + <usize>load<u32>(node);
        const word = load<u32>(node, 4);
        const left = slotsPtr + <usize>load<u16>(node, 8);
        const right = slotsPtr + <usize>load<u16>(node, 10);
        const out = slotsPtr + <usize>load<u32>(node, 12);
        if ((word & 256) == 0) {
          const bin = i8x16.splat(<i8>word);
          above(x, left, right, out, bin);
          above(x + 16, left + 16, right + 16, out + 16, bin);
          above(x + 32, left + 32, right + 32, out + 32, bin);
          above(x + 48, left + 48, right + 48, out + 48, bin);
        } else {
          const set = setsPtr + (<usize>(word >> 11) << 5);
          const low = v128.load(set);
          const high = v128.load(set, 16);
          const keep = x + planeBytes * ((word & 512) == 0 ? 4 : 3);
          among(x, planeBytes, keep, left, right, out, low, high);
          among(x + 16, planeBytes, keep + 16, left + 16, right + 16, out + 16, low, high);
          among(x + 32, planeBytes, keep + 32, left + 32, right + 32, out + 32, low, high);
          among(x + 48, planeBytes, keep + 48, left + 48, right + 48, out + 48, low, high);
        }
      }
      const leaves = slotsPtr + <usize>rootSlot;
      for (let r: usize = 0; r < count; r++) {
        store<f64>(margin, load<f64>(margin) + load<f64>(values + (<usize>load<u8>(leaves + r) << 3)));
        margin += rowBytes;
      }
      values += <usize>load<u32>(tree, 8) << 3;
    }
  }
}

/** The same bins with missing values (127) on the other side (-128); `rows` is rounded up to 16, for which there is room. */
export function forestMirror(fromPtr: usize, toPtr: usize, rows: i32): void {
  const missing = i8x16.splat(127);
  for (let r: usize = 0; r < <usize>rows; r += 16) {
    const bins = v128.load(fromPtr + r);
    v128.store(toPtr + r, v128.xor(bins, i8x16.eq(bins, missing)));
  }
}
