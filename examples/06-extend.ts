/**
 * 6. A summary of one's own, in one file: how often a number column changes from one row to the next.
 * Sorted data changes seldom and shuffled data often, so it tells whether particles are alike. Order matters to it:
 * partials are merged in the order of the rows, and the border between two particles counts as well.
 */
import { pathToFileURL } from 'node:url';
import { checkLaws, createParticle, reduceParticles, type Summary, splitParticle, taggedCodec } from 'sora';

/** What merges: the first and last value, and the changes between them. Undefined without values. */
interface State {
  ends: [first: number, last: number] | undefined;
  changes: number;
}

/** Factory: options are JSON, so that a worker can make the same summary from this module's address. */
export function changes(options: { column: string }): Summary<State, number> {
  return {
    id: `changes/1 ${options.column}`,
    empty: () => ({ ends: undefined, changes: 0 }),
    observe(state, { schema, columns }) {
      const column = columns[schema.fields.findIndex(({ name }) => name === options.column)];
      if (column?.type !== 'number') return;
      const { values, validity } = column;
      for (let row = 0; row < values.length; row++) {
        const present = validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
        if (present) append(state, values[row], values[row], 0);
      }
    },
    merge(into, { ends, changes }) {
      if (ends) append(into, ends[0], ends[1], changes);
    },
    read: ({ changes }) => changes,
    codec: taggedCodec(
      'changes/1',
      (writer, { ends, changes }) => {
        writer.u8(ends ? 1 : 0);
        for (const end of ends ?? []) writer.f64(end);
        writer.f64(changes);
      },
      (reader) => ({
        ends: reader.u8() === 1 ? [reader.f64(), reader.f64()] : undefined,
        changes: reader.count(),
      }),
    ),
  };
}

/** Puts a run of values after those of the state. */
function append(state: State, first: number, last: number, within: number): void {
  const border = state.ends !== undefined && state.ends[1] !== first ? 1 : 0;
  state.ends = [state.ends?.[0] ?? first, last];
  state.changes += within + border;
}

export default async function example(): Promise<string> {
  const x = [1, 1, 1, 2, 2, null, 2, 5, 5, 1, 1, 1];
  const particle = createParticle({ columns: { x } });
  const options = { column: 'x' };

  checkLaws(changes(options), { inputs: splitParticle(particle, 4) });

  const reference = { module: import.meta.url, name: 'changes', options };
  const lines: string[] = [];
  for (const rows of [12, 4, 1]) {
    const particles = splitParticle(particle, rows);
    const count = await reduceParticles<number>(particles, reference);
    lines.push(`${particles.length} particles: x changes ${count} times in ${x.length} rows`);
  }
  return lines.join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await example());
