/**
 * Flags from option schemas: a zod object becomes the flags of a command, and what a shell gives becomes the object.
 * Names turn from camelCase to kebab-case; lists take commas or repeats; records take `name=value` pairs.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { checkOptions, flagName } from '../pipeline/options.ts';

interface Flag {
  readonly key: string;
  readonly kind: 'boolean' | 'number' | 'list' | 'record' | 'choice' | 'text';
  readonly description: string;
  readonly choices?: readonly string[];
  readonly fallback?: unknown;
  readonly value: string;
}

/** The schema below optional() and default(), and the default. */
function unwrap(schema: z.ZodType): { inner: z.ZodType; fallback?: unknown } {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodDefault) {
    return { inner: unwrap(schema.unwrap() as z.ZodType).inner, fallback: schema.def.defaultValue };
  }
  return { inner: schema };
}

function kindOf(inner: z.ZodType): Flag['kind'] {
  if (inner instanceof z.ZodBoolean) return 'boolean';
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodArray) return 'list';
  if (inner instanceof z.ZodRecord) return 'record';
  return inner instanceof z.ZodEnum ? 'choice' : 'text';
}

const PLACEHOLDER: Record<Flag['kind'], string> = {
  boolean: '',
  number: 'number',
  list: 'names',
  record: 'pairs',
  choice: 'choice',
  text: 'text',
};

/** The flags that a schema asks for, in its order. */
export function flagsOf(shape: z.ZodObject): Flag[] {
  return Object.entries(shape.shape).map(([key, schema]) => {
    const type = schema as z.ZodType;
    const { inner, fallback } = unwrap(type);
    const kind = kindOf(inner);
    const choices = inner instanceof z.ZodEnum ? (inner.options as string[]) : undefined;
    const meta = (type.meta() ?? {}) as { description?: string; value?: string };
    const value = meta.value ?? PLACEHOLDER[kind];
    return { key, kind, description: meta.description ?? '', choices, fallback, value };
  });
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}

function readList(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(',').map((item) => item.trim())].filter((item) => item !== '');
}

function readPairs(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const pairs = { ...before };
  for (const item of text.split(',')) {
    const at = item.lastIndexOf('=');
    if (at < 1) throw new InvalidArgumentError(`"${item}" is not of the form name=value.`);
    pairs[item.slice(0, at).trim()] = item.slice(at + 1).trim();
  }
  return pairs;
}

function toOption(flag: Flag): Option[] {
  const name = flagName(flag.key);
  const fallback =
    flag.fallback === undefined || flag.fallback === false ? '' : ` (default: ${String(flag.fallback)})`;
  if (flag.kind === 'boolean') {
    const positive = new Option(`--${name}`, flag.description);
    if (flag.fallback === true) return [new Option(`--no-${name}`, `Turn this off: ${flag.description}`)];
    return flag.fallback === false ? [positive] : [positive, new Option(`--no-${name}`, `Not --${name}.`)];
  }
  const option = new Option(`--${name} <${flag.value}>`, flag.description + fallback);
  if (flag.choices) option.choices([...flag.choices]);
  if (flag.kind === 'number') option.argParser(readNumber);
  if (flag.kind === 'list') option.argParser(readList);
  if (flag.kind === 'record') option.argParser(readPairs);
  return [option];
}

/** Adds the flags of a schema to a command. */
export function addFlags(command: Command, shape: z.ZodObject): Command {
  for (const flag of flagsOf(shape)) for (const option of toOption(flag)) command.addOption(option);
  return command;
}

/** What the shell gave, checked by the schema; throws `bad-option` naming the flag, the value and the limit. */
export function readFlags<T extends z.ZodObject>(shape: T, given: Record<string, unknown>): z.output<T> {
  const known = Object.fromEntries(Object.keys(shape.shape).map((key) => [key, given[key]]));
  for (const flag of flagsOf(shape)) {
    if (flag.kind === 'boolean' && flag.fallback === undefined && known[flag.key] === undefined)
      delete known[flag.key];
  }
  return checkOptions(shape, known);
}
