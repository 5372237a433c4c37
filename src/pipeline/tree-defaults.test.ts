/** What is chosen for tables of several sizes. */
import { expect, it } from 'vitest';
import { treeSettings } from './tree-defaults.ts';

it('takes smaller trees and samples for few rows, larger steps for many', () => {
  const few = treeSettings({}, { rows: 1000, features: 9, marks: 0, outputs: 1 });
  const usual = treeSettings({}, { rows: 50_000, features: 9, marks: 0, outputs: 1 });
  const many = treeSettings({}, { rows: 1_000_000, features: 9, marks: 0, outputs: 1 });
  expect(few).toMatchObject({ leaves: 8, rowShare: 0.7, learningRate: 0.05, fitAgain: true, holdOuts: 3 });
  expect(usual.holdOuts).toBe(1);
  expect(usual).toMatchObject({ leaves: 31, rowShare: 1, learningRate: 0.05, rounds: 2000, fitAgain: true });
  expect(many).toMatchObject({ leaves: 31, rowShare: 1, learningRate: 0.1, rounds: 500, fitAgain: false });
  expect(treeSettings({}, { rows: 400_000, features: 41, marks: 0, outputs: 23 }).rounds).toBe(130);
  expect(treeSettings({}, { rows: 50_000, features: 80, marks: 0, outputs: 1 }).columnShare).toBe(0.4);
  expect(treeSettings({}, { rows: 50_000, features: 80, marks: 44, outputs: 1 }).columnShare).toBe(0.6);
  expect(treeSettings({}, { rows: 50_000, features: 9, marks: 0, outputs: 7 })).toMatchObject({
    learningRate: 0.1,
    fitAgain: false,
  });
});

it('keeps what was given, and lets the rest follow from it', () => {
  const given = {
    learningRate: 0.5,
    leaves: 100,
    rowShare: 0.2,
    columnShare: 1,
    fitAgain: false,
    minRows: 3,
  };
  expect(treeSettings(given, { rows: 1000, features: 9, marks: 0, outputs: 1 })).toEqual({
    ...{ ...given, earlyStopping: 15, rounds: 200, holdOuts: 1 },
  });
  expect(
    treeSettings({ rounds: 9, earlyStopping: 3 }, { rows: 1000, features: 9, marks: 0, outputs: 1 }),
  ).toMatchObject({
    rounds: 9,
    earlyStopping: 3,
  });
  expect(treeSettings({ earlyStopping: 0 }, { rows: 1000, features: 9, marks: 0, outputs: 1 })).toMatchObject(
    {
      rounds: 200,
      fitAgain: false,
    },
  );
});
