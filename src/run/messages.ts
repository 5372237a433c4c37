/**
 * What a session tells a host and what the host answers: plain cloneable values, the same inline, on threads
 * and, one day, over a network.
 */
import type { ParticleRef } from '../particle/particle.ts';
import type { TreeNode } from './plan.ts';
import type { Reference } from './reference.ts';

/** A session: sent once to each host. */
export interface SessionBody {
  readonly session: number;
  readonly particles: readonly ParticleRef[];
  readonly source: Reference;
  /** Second argument of the source's factory. */
  readonly sourceData?: Uint8Array;
}

/** A round: sent once to each host, with the parameters in it. */
export interface RoundBody {
  readonly session: number;
  readonly round: number;
  readonly summary: Reference;
  readonly parameters?: Uint8Array;
  /** The view: equal numbers are equal references; the host keeps what it made of it. */
  readonly view?: { readonly number: number; readonly reference?: Reference };
  /** Whether tasks answer with every node of their subtree, not the top alone. */
  readonly nodes: boolean;
  /** Whether each task is always run by the same worker. */
  readonly sticky: boolean;
  /** Results may lie in memory that the next round of the same lane uses again; absent: they may not. */
  readonly lane?: number;
}

/** A task of the round that the session is in. */
export interface TaskBody {
  /** The round, where this host has not been told of it. */
  readonly begin?: RoundBody;
  readonly session: number;
  readonly round: number;
  readonly first: number;
  readonly count: number;
  /** Whether this host is the one that shall keep the views of these particles. */
  readonly pin: boolean;
}

/** An encoded partial of a node. */
export interface NodePartial extends TreeNode {
  readonly bytes: Uint8Array;
}

/** What a task came to. */
export interface TaskResult {
  readonly bytes: Uint8Array;
  /** Nodes below the top, where the round asked for them. */
  readonly nodes: readonly NodePartial[];
  /** Whether all its views lie in the memory of this host now. */
  readonly resident: boolean;
}

/** Rows observed so far of the task that begins at particle `first`. */
export interface TaskProgress {
  readonly session: number;
  readonly round: number;
  readonly first: number;
  readonly rows: number;
}
