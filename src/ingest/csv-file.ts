/** A delimited file and all that its beginning said of it. */
import type { DelimitedText } from './dialect.ts';
import type { Guess } from './guess.ts';
import type { PackedFile } from './head.ts';

/** A delimited file, ready to be parsed. */
export interface CsvFile {
  readonly file: PackedFile;
  /** Without its sample, which would keep the whole beginning in memory. */
  readonly text: Omit<DelimitedText, 'sample'>;
  readonly encoding: 'utf-8' | 'latin-1' | 'utf-16';
  /** Whether its beginning holds a quote character. */
  readonly quoted: boolean;
  readonly guesses: readonly Guess[];
  readonly markers: readonly string[];
  /** Mean bytes of a record in the sample, its line end included. */
  readonly rowBytes: number;
}
