/** Gives flechette, which writes Arrow files and reads those of others, the ZSTD of particles (codec.ts). */
import { CompressionType, setCompressionCodec } from '@uwdata/flechette';
import { compressIfSmaller, decompress } from './codec.ts';

// Arrow marks a buffer that stays uncompressed by the length -1; flechette does so when nothing was gained.
setCompressionCodec(CompressionType.ZSTD, { encode: compressIfSmaller, decode: decompress });
