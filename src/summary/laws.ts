/**
 * The laws of a summary, checked on given inputs: call {@link checkLaws} once in the test of every summary.
 * Works with any test runner: it throws an error that names the broken law, with the smallest inputs that break it.
 * Laws: identity, associativity, split anywhere = whole, canonical round trip of bytes, no aliasing, purity.
 */
import type { Particle } from '../particle/particle.ts';
import { deepEqual, describe, snapshot } from './equal.ts';
import { casesOf, rowsOf, shrink, sliceOf } from './law-cases.ts';
import { partial, type Summary } from './summary.ts';

/** What to check on, and how strictly. */
export interface LawOptions<Value, Input = Particle> {
  /** Inputs in order; at least one with rows. Parts of them, their first rows and nothing at all are checked too. */
  readonly inputs: readonly Input[];
  /** More inputs with edges of their own: empty ones, one row, everything missing. */
  readonly edges?: readonly Input[];
  /** Whether two values are the same, where nothing was added up in another order. Default: equal in depth. */
  readonly equal?: (a: Value, b: Value) => boolean;
  /** Whether two values are the same up to rounding or sketch error. Default: `equal`. */
  readonly close?: (a: Value, b: Value) => boolean;
  /** Number of rows of an input. Default: its `rows`. */
  readonly rows?: (input: Input) => number;
  /** Rows [from, to) of an input. Default: of a particle; needed for inputs of any other kind. */
  readonly slice?: (input: Input, from: number, to: number) => Input;
}

/** A law that does not hold, with the inputs that show it. */
export class BrokenLaw extends Error {
  readonly law: string;
  /** Private, so that test runners print the message and not every array of the inputs. */
  readonly #inputs: readonly unknown[];

  constructor(summary: string, law: string, why: string, inputs: readonly unknown[]) {
    const shown = inputs.map((input, index) => `  input ${index}: ${describe(input)}`).join('\n');
    super(`Summary ${summary} breaks the law of ${law}: ${why}\n${shown}`);
    this.name = 'BrokenLaw';
    this.law = law;
    this.#inputs = inputs;
  }

  /** The smallest inputs found that break the law. */
  get inputs(): readonly unknown[] {
    return this.#inputs;
  }
}

/** A summary under test. */
interface Subject<State, Value, Input> {
  readonly summary: Summary<State, Value, Input>;
  readonly equal: (a: Value, b: Value) => boolean;
  readonly close: (a: Value, b: Value) => boolean;
  readonly slice: (input: Input, from: number, to: number) => Input;
  readonly rows: (input: Input) => number;
}

/** Undefined if the law holds on the inputs, else what went wrong. */
type Law = <S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]) => string | undefined;

const LAWS: Readonly<Record<string, Law>> = {
  'purity of observe': pureObserve,
  'purity of read': pureRead,
  'round trip': roundTrip,
  'use after decoding': useAfterDecoding,
  identity,
  associativity,
  'observing in turn': inTurn,
  'split anywhere': splitAnywhere,
  'no aliasing': noAliasing,
  scaling,
};

/**
 * Throws {@link BrokenLaw} unless every law holds on the inputs, on parts of them and on their edges.
 * Runs `observe` a few hundred times: give it small inputs.
 * @example
 * it('keeps the laws', () => checkLaws(moments(), { inputs: [a, b, c], close: nearly(1e-9) }));
 */
export function checkLaws<State, Value, Input = Particle>(
  summary: Summary<State, Value, Input>,
  options: LawOptions<Value, Input>,
): void {
  const equal = options.equal ?? deepEqual;
  const close = options.close ?? equal;
  const slice = options.slice ?? sliceOf;
  const rows = options.rows ?? rowsOf;
  const subject = { summary, equal, close, slice, rows };
  const cases = casesOf(options.inputs, options.edges ?? [], slice, rows);
  for (const [name, law] of Object.entries(LAWS)) {
    const holds = (inputs: readonly Input[]) => law(subject, inputs) === undefined;
    const broken = cases.find((inputs) => !holds(inputs));
    if (broken === undefined) continue;
    const least = shrink(broken, holds, slice, rows);
    throw new BrokenLaw(summary.id, name, law(subject, least) ?? 'it failed, but not every time', least);
  }
}

function pureObserve<S, V, I>({ summary }: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  for (const input of inputs) {
    const before = snapshot(input);
    const state = partial(summary, input);
    if (!deepEqual(before, snapshot(input))) return 'observe changed its input';
    const again = partial(summary, input);
    if (!deepEqual(summary.codec.encode(state), summary.codec.encode(again))) {
      return 'observing the same input twice gives two states';
    }
  }
  return undefined;
}

function pureRead<S, V, I>({ summary }: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const state = folded(summary, inputs);
  const bytes = summary.codec.encode(state);
  const value = snapshot(summary.read(state));
  if (!deepEqual(bytes, summary.codec.encode(state))) return 'reading a state changed it';
  return deepEqual(value, snapshot(summary.read(state)))
    ? undefined
    : 'reading a state twice gives two values';
}

function roundTrip<S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const { summary } = subject;
  const states = [
    summary.empty(),
    ...inputs.map((input) => partial(summary, input)),
    folded(summary, inputs),
  ];
  for (const state of states) {
    const bytes = summary.codec.encode(state);
    const back = summary.codec.decode(bytes);
    const apart = differ(subject, 'a decoded state reads differently', state, back);
    if (apart !== undefined) return apart;
    if (!deepEqual(bytes, summary.codec.encode(back))) return 'encode(decode(bytes)) differs from the bytes';
  }
  return undefined;
}

function useAfterDecoding<S, V, I>(
  { summary }: Subject<S, V, I>,
  [a, b = a]: readonly I[],
): string | undefined {
  const agree = (change: (state: S) => void) => {
    const state = partial(summary, a);
    const decoded = copy(summary, state);
    change(state);
    change(decoded);
    return deepEqual(summary.codec.encode(state), summary.codec.encode(decoded));
  };
  if (!agree((state) => summary.merge(state, partial(summary, b))))
    return 'a decoded state merges differently';
  if (!agree((state) => summary.observe(state, b))) return 'a decoded state observes differently';
  return undefined;
}

function identity<S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const { summary } = subject;
  for (const input of inputs) {
    const left = summary.empty();
    summary.merge(left, partial(summary, input));
    const right = partial(summary, input);
    summary.merge(right, summary.empty());
    const apart =
      differ(subject, 'merge(empty, a) is not a', left, partial(summary, input)) ??
      differ(subject, 'merge(a, empty) is not a', right, partial(summary, input));
    if (apart !== undefined) return apart;
  }
  return undefined;
}

function associativity<S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const { summary, close } = subject;
  const [a, b = a, c = b] = inputs.map((input) => partial(summary, input));
  const left = joined(summary, joined(summary, a, b), c);
  const right = joined(summary, a, joined(summary, b, c));
  return differ(subject, '(a · b) · c is not a · (b · c)', left, right, close);
}

function inTurn<S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const { summary, close } = subject;
  const state = summary.empty();
  for (const input of inputs) summary.observe(state, input);
  const what = 'observing inputs in turn is not merging their partials';
  return differ(subject, what, state, folded(summary, inputs), close);
}

function splitAnywhere<S, V, I>(subject: Subject<S, V, I>, inputs: readonly I[]): string | undefined {
  const { summary, slice, rows, close } = subject;
  for (const input of inputs) {
    const total = rows(input);
    for (const at of cutsOf(total)) {
      const parts = folded(summary, [slice(input, 0, at), slice(input, at, total)]);
      const what = `cut before row ${at} of ${total}, the parts are not the whole`;
      const apart = differ(subject, what, parts, partial(summary, input), close);
      if (apart !== undefined) return apart;
    }
  }
  return undefined;
}

/** Every cut of a short input; of a longer one the ends, the middle and a third. */
function cutsOf(rows: number): number[] {
  if (rows <= 6) return Array.from({ length: rows + 1 }, (_, at) => at);
  return [0, 1, Math.floor(rows / 3), Math.floor(rows / 2), rows - 1, rows];
}

function noAliasing<S, V, I>({ summary }: Subject<S, V, I>, [a, b = a]: readonly I[]): string | undefined {
  const { encode } = summary.codec;
  for (const into of [summary.empty(), partial(summary, a)]) {
    const from = partial(summary, b);
    const before = encode(from);
    summary.merge(into, from);
    if (!deepEqual(before, encode(from))) return 'merge changed the state it merged from';
    const merged = encode(into);
    summary.observe(from, a);
    summary.merge(from, partial(summary, b));
    if (!deepEqual(merged, encode(into)))
      return 'a later change of `from` changed the state it was merged into';
    const other = partial(summary, b);
    const kept = encode(other);
    const second = summary.empty();
    summary.merge(second, other);
    summary.observe(second, a);
    summary.merge(second, partial(summary, b));
    if (!deepEqual(kept, encode(other))) return 'a later change of `into` changed the state that was merged';
  }
  return undefined;
}

/** A merge of scaled states is the scaled merge; factors multiply. By powers of two, which leave rounding as it is. */
function scaling<S, V, I>(subject: Subject<S, V, I>, [a, b = a]: readonly I[]): string | undefined {
  const { summary, close } = subject;
  if (summary.scale === undefined) return undefined;
  const scaled = (state: S, ...factors: readonly number[]): S => {
    for (const factor of factors) summary.scale?.(state, factor);
    return state;
  };
  const parts = scaled(partial(summary, a), 0.5);
  summary.merge(parts, scaled(partial(summary, b), 0.5));
  const whole = scaled(joined(summary, partial(summary, a), partial(summary, b)), 0.5);
  const one = scaled(partial(summary, a), 1);
  const [twice, once] = [scaled(partial(summary, a), 0.5, 0.5), scaled(partial(summary, a), 0.25)];
  return (
    differ(subject, 'the merge of scaled states is not the scaled merge', parts, whole, close) ??
    differ(subject, 'scaled by 1 a state reads differently', one, partial(summary, a)) ??
    differ(subject, 'scaled twice is not scaled by the product', twice, once, close)
  );
}

/** Through bytes, so that nothing is shared. */
function copy<S, V, I>(summary: Summary<S, V, I>, state: S): S {
  return summary.codec.decode(summary.codec.encode(state));
}

function joined<S, V, I>(summary: Summary<S, V, I>, a: S, b: S): S {
  const into = copy(summary, a);
  summary.merge(into, copy(summary, b));
  return into;
}

function folded<S, V, I>(summary: Summary<S, V, I>, inputs: readonly I[]): S {
  const state = summary.empty();
  for (const input of inputs) summary.merge(state, partial(summary, input));
  return state;
}

function differ<S, V, I>(
  { summary, equal }: Subject<S, V, I>,
  what: string,
  a: S,
  b: S,
  same: (a: V, b: V) => boolean = equal,
): string | undefined {
  const [x, y] = [summary.read(a), summary.read(b)];
  return same(x, y) ? undefined : `${what}: ${describe(x)} ≠ ${describe(y)}`;
}
