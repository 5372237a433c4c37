/**
 * The inputs that laws are checked on: what was given, its edges, and ever smaller parts of what broke a law.
 */
import { type Column, emptyValidity } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { Field } from '../particle/schema.ts';
import { sliceParticle } from '../particle/select.ts';

type Slice<Input> = (input: Input, from: number, to: number) => Input;
type Rows<Input> = (input: Input) => number;

/** Every input with those that follow it, all of them together, and the edges among them. */
export function casesOf<Input>(
  inputs: readonly Input[],
  more: readonly Input[],
  slice: Slice<Input>,
  rows: Rows<Input>,
): Input[][] {
  const first = inputs.find((input) => rows(input) > 0);
  if (first === undefined) throw new RangeError('checkLaws needs at least one input with rows.');
  const one = slice(first, 0, 1);
  const edges = [slice(first, 0, 0), one, ...more];
  if (isParticle(first)) edges.push(withoutValues(first) as Input);
  const triples = inputs.map((input, i) => [input, following(inputs, i, 1), following(inputs, i, 2)]);
  const mixed = edges.flatMap((edge) => [
    [edge, first, edge],
    [first, edge, one],
    [edge, edge, edge],
  ]);
  return [...triples, ...mixed, [...inputs]];
}

function following<Input>(inputs: readonly Input[], index: number, steps: number): Input {
  return inputs[(index + steps) % inputs.length];
}

/** The smallest inputs found for which `holds` is false: drops inputs, then halves of rows, then single rows. */
export function shrink<Input>(
  inputs: readonly Input[],
  holds: (inputs: readonly Input[]) => boolean,
  slice: Slice<Input>,
  rows: Rows<Input>,
): readonly Input[] {
  let least = inputs;
  let tries = 200;
  for (;;) {
    const smaller = smallerOf(least, slice, rows).find((candidate) => tries-- > 0 && !holds(candidate));
    if (smaller === undefined) return least;
    least = smaller;
  }
}

function smallerOf<Input>(inputs: readonly Input[], slice: Slice<Input>, rows: Rows<Input>): Input[][] {
  const dropped = inputs.length > 1 ? inputs.map((_, index) => inputs.toSpliced(index, 1)) : [];
  const cut = inputs.flatMap((input, index) =>
    partsOf(rows(input)).map(([from, to]) => inputs.with(index, slice(input, from, to))),
  );
  return [...dropped, ...cut];
}

function partsOf(rows: number): [number, number][] {
  if (rows === 0) return [];
  if (rows === 1) return [[0, 0]];
  const half = rows >> 1;
  return [
    [0, half],
    [half, rows],
    [0, rows - 1],
    [1, rows],
  ];
}

function isParticle(input: unknown): input is Particle {
  return typeof input === 'object' && input !== null && 'schema' in input && 'columns' in input;
}

/** Rows [from, to) of a particle; a `TypeError` for any other input. */
export function sliceOf<Input>(input: Input, from: number, to: number): Input {
  if (isParticle(input)) return sliceParticle(input, from, to) as Input;
  throw new TypeError('checkLaws needs the option `slice` for inputs that are not particles.');
}

/** `rows` of the input; a `TypeError` if it has none. */
export function rowsOf(input: unknown): number {
  const { rows } = input as { rows?: unknown };
  if (typeof rows === 'number') return rows;
  throw new TypeError('checkLaws needs the option `rows` for inputs that have no such number.');
}

/** The particle with the same rows and nothing present in them. */
export function withoutValues({ schema, rows }: Particle): Particle {
  return { schema, rows, columns: schema.fields.map((field) => absentColumn(field, rows)) };
}

function absentColumn({ type, width = 1 }: Field, rows: number): Column {
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
      return { type, starts: new Uint32Array(rows + 1), indices, values, width, validity };
    }
  }
}
