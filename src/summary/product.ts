/**
 * Several summaries in one pass: the product of summaries is a summary, part by part.
 * Law: the product keeps every law that all of its parts keep.
 */
import { corrupt, taggedCodec } from './codec.ts';
import type { Summary } from './summary.ts';

/** A record of named summaries over the same input. */
// biome-ignore lint/suspicious/noExplicitAny: any state and value will do; both are recovered by inference
export type Parts<Input> = Readonly<Record<string, Summary<any, any, Input>>>;

/** States by name of the part. */
export type PartStates<P> = { [K in keyof P]: P[K] extends Summary<infer S, unknown, never> ? S : never };
/** Values by name of the part. */
export type PartValues<P> = { [K in keyof P]: P[K] extends Summary<infer _, infer V, never> ? V : never };

/**
 * The summary whose value has the value of each part under its name.
 * @example
 * const both = product({ moments: moments(), counts: counts() });
 */
export function product<Input, P extends Parts<Input>>(
  parts: P & Parts<Input>,
): Summary<PartStates<P>, PartValues<P>, Input> {
  const names = Object.keys(parts).sort();
  const each = <T>(make: (name: string) => T) => Object.fromEntries(names.map((name) => [name, make(name)]));
  return {
    id: `product/1 {${names.map((name) => `${name}: ${parts[name].id}`).join(', ')}}`,
    empty: () => each((name) => parts[name].empty()) as PartStates<P>,
    observe(state, input) {
      for (const name of names) parts[name].observe(state[name], input);
    },
    merge(into, from) {
      for (const name of names) parts[name].merge(into[name], from[name]);
    },
    read: (state) => each((name) => parts[name].read(state[name])) as PartValues<P>,
    codec: taggedCodec(
      'product/1',
      (writer, state) => {
        writer.u32(names.length);
        for (const name of names) writer.blob(parts[name].codec.encode(state[name]));
      },
      (reader) => {
        const count = reader.u32();
        if (count !== names.length) throw corrupt(`${count} parts where there are ${names.length}`);
        return each((name) => parts[name].codec.decode(reader.blob())) as PartStates<P>;
      },
    ),
  };
}
