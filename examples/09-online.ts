/**
 * 9. A model that learns row by row: predicted first, then learned; saved in the middle of the stream and resumed, and the
 * same bytes as if it had not stopped. The price of power goes up or down; half way through, the rule turns round.
 */
import { pathToFileURL } from 'node:url';
import { createOnline, createParticle, prequential, resumeOnline } from 'sora';

const ROWS = 4000;

/** Hours with a demand and a day; the direction follows the demand at first, and its opposite later. */
function hour(i: number) {
  const demand = ((i * 7919) % 1009) / 1009;
  const day = ['monday', 'saturday', 'sunday'][(i * 31) % 3];
  const high = demand + (day === 'monday' ? 0.2 : 0) > 0.6;
  return { demand, day, direction: high === i < ROWS / 2 ? 'up' : 'down' };
}

export default async function example(): Promise<string> {
  const rows = Array.from({ length: ROWS }, (_, i) => hour(i));
  const options = {
    learner: { name: 'adaptive-forest', trees: 5 },
    features: { demand: 'number', day: 'category' },
    classes: ['down', 'up'],
    seed: 7,
  } as const;

  // One row at a time, as they come.
  const model = createOnline(options);
  for (const { direction, ...row } of rows.slice(0, 1500)) model.learnOne(row, direction);
  const { value, shares } = model.predictOne({ demand: 0.9, day: 'sunday' });

  // Saved, resumed elsewhere, and fed the rest as a particle: the same bytes.
  const resumed = resumeOnline(model.save());
  for (const { direction, ...row } of rows.slice(1500)) model.learnOne(row, direction);
  resumed.learnMany(particleOf(rows.slice(1500)));
  const same = Buffer.compare(model.save(), resumed.save()) === 0;

  // Test, then train: what it would have scored all along, beside repeating the last label.
  const { accuracy, sameAsLast, stretches } = prequential(createOnline(options), [particleOf(rows)], {
    stretch: 500,
  });
  return [
    `demand 0.9 on a sunday: ${value}, share ${shares?.[1].toFixed(2)}`,
    `saved and resumed: ${same ? 'the same bytes' : 'other bytes'}`,
    `accuracy ${accuracy?.toFixed(3)}, same as last ${sameAsLast.toFixed(3)}`,
    `by 500 rows: ${stretches.map((one) => one.accuracy?.toFixed(2)).join(' ')}`,
  ].join('\n');
}

function particleOf(rows: readonly ReturnType<typeof hour>[]) {
  const column = <K extends keyof ReturnType<typeof hour>>(name: K) => rows.map((row) => row[name]);
  return createParticle({
    columns: { demand: column('demand'), day: column('day'), direction: column('direction') },
    roles: { direction: 'label' },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await example());
