/**
 * Arrow IPC as a sequence of messages, for files larger than memory: one record batch at a time.
 * A file is a stream between its magic and its footer, so both are read alike.
 *
 *   [0xffffffff] [metadata length: int32] [metadata: flatbuffer Message, padded to 8] [body: bodyLength bytes]
 *
 * Of the flatbuffer only the kind of message and the length of its body are read here.
 */
import { SoraError } from '../errors.ts';

/** What a message holds. */
export type MessageKind = 'schema' | 'dictionary' | 'batch' | 'other';

export interface ArrowMessage {
  readonly kind: MessageKind;
  /** All of it, framing included. */
  readonly bytes: Buffer;
}

const CONTINUATION = 0xffffffff;
const MAGIC = 'ARROW1';
const KINDS: Readonly<Record<number, MessageKind>> = { 1: 'schema', 2: 'dictionary', 3: 'batch' };
/** Longest metadata that is believed. */
const METADATA_LIMIT = 256 << 20;

/** Messages of a file or stream, in order. */
export async function* arrowMessages(
  pieces: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<ArrowMessage> {
  const input = new ByteQueue(pieces);
  const start = await input.peek(8);
  const isFile = start.toString('latin1', 0, 6) === MAGIC;
  if (isFile) await input.take(8);
  while (true) {
    const frame = await input.peek(8);
    // A stream may end after any message; a file says where, so that one cut between batches is known.
    if (frame.length === 0 && !isFile) return;
    const prefix = frame.length >= 4 && frame.readUInt32LE(0) === CONTINUATION ? 8 : 4;
    if (frame.length < prefix) throw damaged(name, 'cut short');
    const length = frame.readInt32LE(prefix - 4);
    if (length === 0) return;
    if (length < 0 || length > METADATA_LIMIT) throw damaged(name, `metadata of ${length} bytes`);
    const framed = await input.peek(prefix + length);
    if (framed.length < prefix + length) throw damaged(name, 'cut short');
    const { kind, bodyLength } = messageHead(framed.subarray(prefix), name);
    const bytes = await input.take(prefix + length + bodyLength);
    if (bytes.length < prefix + length + bodyLength) throw damaged(name, 'cut short');
    yield { kind, bytes };
  }
}

/** Kind and body length of a flatbuffer Message: fields 1 (union type, byte) and 3 (int64) of its root table. */
function messageHead(metadata: Buffer, name: string): { kind: MessageKind; bodyLength: number } {
  try {
    const table = metadata.readUInt32LE(0);
    const vtable = table - metadata.readInt32LE(table);
    const size = metadata.readUInt16LE(vtable);
    const field = (index: number) => {
      const at = 4 + 2 * index;
      const offset = at < size ? metadata.readUInt16LE(vtable + at) : 0;
      return offset === 0 ? undefined : table + offset;
    };
    const [kindAt, bodyAt] = [field(1), field(3)];
    const bodyLength = bodyAt === undefined ? 0 : Number(metadata.readBigInt64LE(bodyAt));
    if (!(bodyLength >= 0)) throw new RangeError('negative length');
    return { kind: KINDS[kindAt === undefined ? 0 : metadata[kindAt]] ?? 'other', bodyLength };
  } catch (cause) {
    throw damaged(name, 'a message that is none', cause);
  }
}

function damaged(name: string, what: string, cause?: unknown): SoraError {
  return new SoraError('bad-input', `${name}: the Arrow data is damaged: ${what}.`, {
    cause,
    details: { file: name },
  });
}

/** Bytes that come in pieces, taken in lengths of one's own. */
class ByteQueue {
  readonly #pieces: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #length = 0;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, or what is left, without taking them. */
  async peek(count: number): Promise<Buffer> {
    while (this.#length < count) {
      const next = await this.#pieces.next();
      if (next.done) break;
      this.#held.push(next.value);
      this.#length += next.value.length;
    }
    if (this.#held.length !== 1) this.#held = [Buffer.concat(this.#held)];
    return this.#held[0].subarray(0, count);
  }

  /** The same, and takes them. The result is a copy. */
  async take(count: number): Promise<Buffer> {
    const bytes = Buffer.from(await this.peek(count));
    this.#held = [this.#held[0].subarray(bytes.length)];
    this.#length -= bytes.length;
    return bytes;
  }
}
