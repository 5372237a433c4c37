/**
 * The laws of a summary, checked on given inputs: call {@link checkLaws} once in the test of every summary.
 * Works with any test runner: it throws an error that names the broken law, with the smallest inputs that break it.
 * Laws: identity, associativity, split anywhere = whole, canonical round trip of bytes, no aliasing, purity.
 */
import { type Column, emptyValidity, isPresent, setPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { Field } from '../particle/schema.ts';
import { deepEqual, describe, snapshot } from './equal.ts';
import { partial, type Summary } from './summary.ts';

/** What to check on, and how strictly. */
export interface LawOptions<Value, Input> {
  /** Inputs in order; at least one with rows. Their parts, their first rows and nothing at all are checked too. */
  readonly inputs: readonly Input[];
  /** Whether two values are the same, where nothing was added up in another order. Default: equal in depth. */
  readonly equal?: (a: Value, b: Value) => boolean;
  /** Whether two values are the same up to rounding or sketch error. Default: `equal`. */
  readonly close?: (a: Value, b: Value) => boolean;
  /** Number of rows of an input. Default: its `rows`. */
  readonly rows?: (input: Input) => number;
  /** Rows [from, to) of an input. Default: of a particle. Needed for inputs that are not particles. */
  readonly slice?: (input: Input, from: number, to: number) => Input;
  /** More inputs with edges of their own: empty ones, one row, everything missing. */
  readonly edges?: readonly Input[];
}

/** A law that does not hold, with the inputs that show it. */
export class BrokenLaw extends Error {
  readonly law: string;
  readonly inputs: readonly unknown[];

  constructor(summary: string, law: string, why: string, inputs: readonly unknown[]) {
    const shown = inputs.map((input, index) => `  input ${index}: ${describe(input)}`).join('\n');
    super(`Summary ${summary} breaks the law of ${law}: ${why}\n${shown}`);
    this.name = 'BrokenLaw';
    this.law = law;
    this.inputs = inputs;
  }
}

/** A law over inputs in order: undefined if it holds, else what went wrong. */
type Law<Input> = (inputs: readonly Input[]) => string | undefined;

/**
 * Throws {@link BrokenLaw} unless every law holds on the inputs, on parts of them and on their edges.
 * Runs `observe` a few hundred times: give it small inputs.
 * @example
 * it('keeps the laws', () => {
 *   checkLaws(moments(), { inputs: [a, b, c], close: nearly(1e-9) });
 * });
 */
export function checkLaws<State, Value, Input = Particle>(
  summary: Summary<State, Value, Input>,
  options: LawOptions<Value, Input>,
): void {
  const slice = options.slice ?? (sliceAny as (input: Input, from: number, to: number) => Input);
  const rows = options.rows ?? ((input: Input) => (input as { rows: number }).rows);
  const cases = casesOf(options, slice, rows);
  for (const [name, law] of Object.entries(lawsOf(summary, options, slice, rows))) {
    for (const inputs of cases) {
      if (law(inputs) === undefined) continue;
      const least = shrink(inputs, law, slice, rows);
      throw new BrokenLaw(summary.id, name, law(least) ?? 'it failed once only', least);
    }
  }
}

/** All inputs, each alone, each with its neighbours, and with the edges between them. */
function casesOf<Value, Input>(
  options: LawOptions<Value, Input>,
  slice: (input: Input, from: number, to: number) => Input,
  rows: (input: Input) => number,
): Input[][] {
  const { inputs } = options;
  const first = inputs.find((input) => rows(input) > 0);
  if (first === undefined) throw new RangeError('checkLaws needs at least one input with rows.');
  const none = slice(first, 0, 0);
  const one = slice(first, 0, 1);
  const edges = [none, one, ...(isParticle(one) ? [withoutValues(first as Particle) as Input] : [])];
  const all = [...edges, ...(options.edges ?? [])];
  const triples = inputs.map((input, i) => [
    input,
    inputs[(i + 1) % inputs.length],
    inputs[(i + 2) % inputs.length],
  ]);
  const mixed = all.flatMap((edge) => [
    [edge, first, edge],
    [first, edge, one],
    [edge, edge, edge],
  ]);
  return [...triples, ...mixed, [...inputs]];
}

function lawsOf<State, Value, Input>(
  summary: Summary<State, Value, Input>,
  options: LawOptions<Value, Input>,
  slice: (input: Input, from: number, to: number) => Input,
  rows: (input: Input) => number,
): Record<string, Law<Input>> {
  const equal = options.equal ?? deepEqual;
  const close = options.close ?? equal;
  const of = (input: Input) => partial(summary, input);
  const bytes = (state: State) => summary.codec.encode(state);
  const differ = (what: string, a: State, b: State, same = equal) => {
    const [x, y] = [summary.read(a), summary.read(b)];
    return same(x, y) ? undefined : `${what}: ${describe(x)} ≠ ${describe(y)}`;
  };
  /** Merge of copies, so that the laws do not rest on what they test. */
  const join = (a: State, b: State) => {
    const into = copy(a);
    summary.merge(into, copy(b));
    return into;
  };
  const copy = (state: State) => summary.codec.decode(bytes(state));
  const fold = (inputs: readonly Input[]) => inputs.map(of).reduce(join, summary.empty());

  return {
    'purity of observe': (inputs) => {
      for (const input of inputs) {
        const before = snapshot(input);
        const state = of(input);
        if (!deepEqual(before, snapshot(input))) return 'observe changed its input';
        if (!deepEqual(bytes(state), bytes(of(input))))
          return 'observing the same input twice gives two states';
        const read = snapshot(summary.read(state));
        if (!deepEqual(read, snapshot(summary.read(state)))) return 'reading a state twice gives two values';
      }
      return undefined;
    },
    'round trip': (inputs) => {
      for (const state of [summary.empty(), ...inputs.map(of), fold(inputs)]) {
        const encoded = bytes(state);
        const back = summary.codec.decode(encoded);
        const apart = differ('a decoded state reads differently', state, back);
        if (apart !== undefined) return apart;
        if (!deepEqual(encoded, bytes(back))) return 'encode(decode(bytes)) differs from the bytes';
      }
      return undefined;
    },
    'use after decoding': ([a, b = a]) => {
      const into = of(a);
      summary.merge(into, of(b));
      const decoded = copy(of(a));
      summary.merge(decoded, of(b));
      if (!deepEqual(bytes(into), bytes(decoded))) return 'a decoded state merges differently';
      const observed = of(a);
      summary.observe(observed, b);
      const resumed = copy(of(a));
      summary.observe(resumed, b);
      return deepEqual(bytes(observed), bytes(resumed)) ? undefined : 'a decoded state observes differently';
    },
    identity: (inputs) => {
      for (const input of inputs) {
        const left = summary.empty();
        summary.merge(left, of(input));
        const right = of(input);
        summary.merge(right, summary.empty());
        const apart =
          differ('merge(empty, a) is not a', left, of(input)) ??
          differ('merge(a, empty) is not a', right, of(input));
        if (apart !== undefined) return apart;
      }
      return undefined;
    },
    associativity: ([a, b = a, c = b]) =>
      differ(
        '(a · b) · c is not a · (b · c)',
        join(join(of(a), of(b)), of(c)),
        join(of(a), join(of(b), of(c))),
        close,
      ),
    'observing in turn': (inputs) => {
      const state = summary.empty();
      for (const input of inputs) summary.observe(state, input);
      return differ('observing inputs in turn is not merging their partials', state, fold(inputs), close);
    },
    'split anywhere': (inputs) => {
      for (const input of inputs) {
        const total = rows(input);
        for (const at of cutsOf(total)) {
          const parts = [slice(input, 0, at), slice(input, at, total)];
          const apart = differ(
            `cut before row ${at}, parts are not the whole`,
            fold(parts),
            of(input),
            close,
          );
          if (apart !== undefined) return apart;
        }
      }
      return undefined;
    },
    'no aliasing': ([a, b = a]) => {
      const [into, from] = [of(a), of(b)];
      const before = bytes(from);
      summary.merge(into, from);
      if (!deepEqual(before, bytes(from))) return 'merge changed the state it merged from';
      const merged = bytes(into);
      summary.observe(from, a);
      summary.merge(from, of(b));
      if (!deepEqual(merged, bytes(into))) return 'a change of `from` after the merge changed `into`';
      const fresh = summary.empty();
      summary.merge(fresh, into);
      summary.observe(fresh, b);
      if (!deepEqual(merged, bytes(into))) return 'a change of a state merged from `into` changed `into`';
      return undefined;
    },
  };
}

/** Every cut of a short input; of a longer one the ends, the middle and two odd places. */
function cutsOf(rows: number): number[] {
  if (rows <= 6) return Array.from({ length: rows + 1 }, (_, at) => at);
  return [0, 1, Math.floor(rows / 3), Math.floor(rows / 2), rows - 1, rows];
}

/** The smallest inputs found that still break the law: drops inputs, then halves of rows, then single rows. */
function shrink<Input>(
  inputs: readonly Input[],
  law: Law<Input>,
  slice: (input: Input, from: number, to: number) => Input,
  rows: (input: Input) => number,
): readonly Input[] {
  let least = inputs;
  for (let tries = 0; tries < 200; ) {
    const smaller = candidatesOf(least, slice, rows).find((candidate) => {
      tries++;
      return law(candidate) !== undefined;
    });
    if (smaller === undefined) return least;
    least = smaller;
  }
  return least;
}

function candidatesOf<Input>(
  inputs: readonly Input[],
  slice: (input: Input, from: number, to: number) => Input,
  rows: (input: Input) => number,
): Input[][] {
  const candidates: Input[][] = [];
  for (const [index, input] of inputs.entries()) {
    if (inputs.length > 1) candidates.push(inputs.toSpliced(index, 1));
    const total = rows(input);
    if (total === 0) continue;
    const half = total >> 1;
    const parts =
      total === 1
        ? [[0, 0]]
        : [
            [0, half],
            [half, total],
            [0, total - 1],
            [1, total],
          ];
    for (const [from, to] of parts) candidates.push(inputs.with(index, slice(input, from, to)));
  }
  return candidates;
}

function isParticle(input: unknown): input is Particle {
  return typeof input === 'object' && input !== null && 'schema' in input && 'columns' in input;
}

function sliceAny(input: unknown, from: number, to: number): Particle {
  if (!isParticle(input))
    throw new TypeError('checkLaws needs `slice` (and `rows`) for inputs that are not particles.');
  return sliceParticle(input, from, to);
}

/** Rows [from, to) of a particle. Dictionaries are kept whole: unused entries are lawful. */
export function sliceParticle(particle: Particle, from: number, to: number): Particle {
  const columns = particle.columns.map((column) => sliceColumn(column, from, to));
  return { schema: particle.schema, rows: to - from, columns };
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const validity = sliceValidity(column.validity, from, to);
  switch (column.type) {
    case 'category':
      return { ...column, codes: column.codes.slice(from, to), validity };
    case 'sparse': {
      const [first, last] = [column.starts[from], column.starts[to]];
      const starts = column.starts.slice(from, to + 1).map((start) => start - first);
      const [indices, values] = [column.indices.slice(first, last), column.values.slice(first, last)];
      return { ...column, starts, indices, values, validity };
    }
    default:
      return { ...column, values: column.values.slice(from, to), validity } as Column;
  }
}

function sliceValidity(validity: Uint8Array | undefined, from: number, to: number): Uint8Array | undefined {
  if (validity === undefined) return undefined;
  const part = emptyValidity(to - from);
  for (let row = from; row < to; row++) if (isPresent(validity, row)) setPresent(part, row - from);
  return part;
}

/** The particle with the same rows and nothing present in them. */
export function withoutValues({ schema, rows }: Particle): Particle {
  return { schema, rows, columns: schema.fields.map((field) => absentColumn(field, rows)) };
}

function absentColumn({ type, width }: Field, rows: number): Column {
  const validity = emptyValidity(rows);
  switch (type) {
    case 'number':
    case 'timestamp':
      return { type, values: new Float64Array(rows), validity };
    case 'boolean':
      return { type, values: new Uint8Array(rows), validity };
    case 'category':
      return { type, codes: new Int32Array(rows).fill(-1), dictionary: [], validity };
    case 'text':
      return { type, values: new Array<string>(rows).fill(''), validity };
    case 'binary':
      return { type, values: Array.from({ length: rows }, () => new Uint8Array(0)), validity };
    case 'sparse': {
      const [indices, values] = [new Uint32Array(0), new Float32Array(0)];
      return { type, starts: new Uint32Array(rows + 1), indices, values, width: width ?? 0, validity };
    }
  }
}
