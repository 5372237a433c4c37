/**
 * The body of an answer, piece by piece as the server sends it and no faster than it is taken: Node stops reading from
 * the connection when nobody asks. Where nothing comes for a while, that is said too.
 */
import { SoraError } from '../../errors.ts';
import { tooLong } from './http-lines.ts';
import { pause, reasonOf, TURN, Unavailable } from './persist.ts';

/** The pieces of a body; undefined each time that none came for so many milliseconds. */
export async function* piecesOf(
  response: Response,
  idle: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array | undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    while (true) {
      const reading = reader.read().catch((error) => {
        throw signal.aborted ? error : new Unavailable(`the answer broke off: ${reasonOf(error)}`, undefined);
      });
      reading.catch(() => {});
      while (!(await comes(reading, idle))) yield undefined;
      const { done, value } = await reading;
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Whether something settles within so many milliseconds. */
async function comes(reading: Promise<unknown>, within: number): Promise<boolean> {
  const stop = new AbortController();
  const came = reading.then(
    () => true,
    () => true,
  );
  const first = await Promise.race([came, pause(within, stop.signal).then(() => false)]);
  stop.abort();
  return first;
}

/** The whole body as JSON. Throws `bad-input` if it is longer than the limit, or none. */
export async function jsonOf(
  response: Response,
  { name, limit }: { readonly name: string; readonly limit: number },
  signal: AbortSignal,
): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(response, TURN, signal)) {
    if (piece === undefined) continue;
    length += piece.length;
    if (length > limit) throw tooLong(name, 'a page', limit);
    parts.push(piece);
  }
  const text = Buffer.concat(parts).toString();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SoraError(
      'bad-input',
      `${name}: the answer is no JSON: ${text.slice(0, 100).replace(/\s+/g, ' ')}. If it has one row a line, say so: #format=lines.`,
      { cause },
    );
  }
}
