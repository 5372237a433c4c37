/**
 * The loop that every trainer runs: ask at parameters, reduce over particles, update, until done.
 * A learner is a step machine: a generator that yields what the next round shall be observed at and is given
 * what the round read. It holds no data, threads or clocks, so it can be tested on a formula.
 */
import { throwIfAborted } from '../errors.ts';

/** A learner's update rule: yields the next `Ask` (parameters), receives the round's `Tell`, returns a result. */
export type StepMachine<Ask, Tell, Result> = Generator<Ask, Result, Tell>;

/** `while (!done) parameters = update(parameters, await reduce(particles, summaryAt(parameters)))`. */
export async function fitLoop<Ask, Tell, Result>(
  machine: StepMachine<Ask, Tell, Result>,
  reduceAt: (ask: Ask) => Promise<Tell>,
  signal?: AbortSignal,
): Promise<Result> {
  let step = machine.next();
  while (!step.done) {
    throwIfAborted(signal);
    step = machine.next(await reduceAt(step.value));
  }
  return step.value;
}

/** The same loop where a round is an ordinary call: data in this process, or a formula in a test. */
export function fitLoopSync<Ask, Tell, Result>(
  machine: StepMachine<Ask, Tell, Result>,
  reduceAt: (ask: Ask) => Tell,
): Result {
  let step = machine.next();
  while (!step.done) step = machine.next(reduceAt(step.value));
  return step.value;
}
