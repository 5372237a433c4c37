/** Property tests draw the same cases every time; `SORA_SEED=random` (or a number) draws others. */
import fc from 'fast-check';

const asked = process.env.SORA_SEED;
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked ?? 20_260_101) });
