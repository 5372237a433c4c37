/**
 * Disturbances for tests: what an unlucky machine does to a round, on purpose and repeatably.
 * A test passes hooks to `threadExecutor` and shows that results do not change. Not for other use.
 */
import { randomUniform, randomWord } from '../random.ts';
import type { Task } from './plan.ts';

/** All optional; `dispatch` counts the tasks that have been dispatched by the executor so far. */
export interface ExecutorHooks {
  /** Another order of a worker's tasks. */
  readonly order?: (tasks: readonly Task[]) => readonly Task[];
  /** Milliseconds by which a result arrives late. */
  readonly delay?: (task: Task) => number;
  /** Whether the worker dies just after this task was given to it. */
  readonly kill?: (worker: number, dispatch: number) => boolean;
  /** Whether the task is run again after it is done; the results must be the same bytes. */
  readonly repeat?: (task: Task) => boolean;
}

/** Shuffles tasks, delays results by up to `delayMs`, and runs every third task twice; repeatable by its seed. */
export function shuffling(seed: number, delayMs = 3): ExecutorHooks {
  const key = (task: Task): number => randomWord(seed, task.level, task.first);
  return {
    order: (tasks) => [...tasks].sort((a, b) => key(a) - key(b)),
    delay: (task) => Math.floor((delayMs + 1) * randomUniform(seed, 1000 + task.level, task.first)),
    repeat: (task) => key(task) % 3 === 0,
  };
}
