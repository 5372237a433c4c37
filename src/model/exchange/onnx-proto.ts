/**
 * The messages of ONNX that an export writes: model, graph, node, attribute, tensor. Field numbers are those of onnx.proto
 * (IR version 8). Knows nothing of trees.
 */
import { bytes, integer, integers, join, type Message } from './protobuf.ts';

const IR_VERSION = 8;
/** Versions of the operators that are used. */
const OPERATORS = { '': 15, 'ai.onnx.ml': 3 } as const;

/** Element types (TensorProto.DataType). */
export const ELEMENT = { float: 1, int64: 7, string: 8, double: 11 } as const;

/** Attribute types (AttributeProto.AttributeType). */
const [INT, STRING, TENSOR, INTS, STRINGS] = [2, 3, 4, 7, 8];

/** Value of an attribute: a number is an integer. */
export type Attribute = number | string | Float64Array | readonly number[] | readonly string[];

/** A constant of a graph, in one dimension. */
export type Constant = Float32Array | Float64Array | readonly string[] | readonly bigint[];

/** A tensor of one dimension. */
function tensor(values: Constant, name?: string): Message {
  const named = name === undefined ? [] : bytes(8, name);
  const head = (type: number) => [...integers(1, [values.length]), ...integer(2, type), ...named];
  if (values instanceof Float32Array || values instanceof Float64Array) {
    const type = values instanceof Float32Array ? ELEMENT.float : ELEMENT.double;
    return [...head(type), ...bytes(9, new Uint8Array(values.slice().buffer))];
  }
  if (typeof values[0] === 'string') {
    return [...head(ELEMENT.string), ...(values as readonly string[]).flatMap((text) => bytes(6, text))];
  }
  const words = BigInt64Array.from(values as readonly bigint[]);
  return [...head(ELEMENT.int64), ...bytes(9, new Uint8Array(words.buffer))];
}

function attribute(name: string, value: Attribute): Message {
  const typed = (type: number, message: Message) => [...bytes(1, name), ...message, ...integer(20, type)];
  if (typeof value === 'number') return typed(INT, integer(3, value));
  if (typeof value === 'string') return typed(STRING, bytes(4, value));
  if (value instanceof Float64Array) return typed(TENSOR, bytes(5, tensor(value, name)));
  if (typeof value[0] === 'string')
    return typed(
      STRINGS,
      (value as readonly string[]).flatMap((one) => bytes(9, one)),
    );
  return typed(
    INTS,
    (value as readonly number[]).flatMap((one) => integer(8, one)),
  );
}

/** One operation: inputs and outputs by name. */
export function operation(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain: keyof typeof OPERATORS = '',
): Message {
  return [
    ...inputs.flatMap((name) => bytes(1, name)),
    ...bytes(2, output),
    ...bytes(3, output),
    ...bytes(4, type),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
    ...bytes(7, domain),
  ];
}

/** An input or output: rows × width, or rows alone. */
export function tensorValue(name: string, type: number, width?: number): Message {
  const dimensions = [bytes(2, 'rows'), ...(width === undefined ? [] : [integer(1, width)])];
  const shape = dimensions.flatMap((dimension) => bytes(1, dimension));
  return [...bytes(1, name), ...bytes(2, bytes(1, [...integer(1, type), ...bytes(2, shape)]))];
}

/** What a graph is made of. */
export interface Graph {
  readonly operations: readonly Message[];
  readonly constants: Readonly<Record<string, Constant>>;
  readonly inputs: readonly Message[];
  readonly outputs: readonly Message[];
}

/** The bytes of a model file. */
export function onnxModel(
  graph: Graph,
  producer: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const body = [
    ...graph.operations.flatMap((one) => bytes(1, one)),
    ...bytes(2, 'forest'),
    ...Object.entries(graph.constants).flatMap(([name, values]) => bytes(5, tensor(values, name))),
    ...graph.inputs.flatMap((one) => bytes(11, one)),
    ...graph.outputs.flatMap((one) => bytes(12, one)),
  ];
  return join([
    ...integer(1, IR_VERSION),
    ...bytes(2, 'sora'),
    ...bytes(3, producer),
    ...bytes(7, body),
    ...Object.entries(OPERATORS).flatMap(([domain, version]) =>
      bytes(8, [...bytes(1, domain), ...integer(2, version)]),
    ),
    ...Object.entries(metadata).flatMap(([key, value]) => bytes(14, [...bytes(1, key), ...bytes(2, value)])),
  ]);
}
