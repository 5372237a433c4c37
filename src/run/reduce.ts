/**
 * The session: plan a round, ask the cache, have the rest observed, merge, read.
 * Knows nothing of threads: a {@link Backend} runs the tasks, and the result is the same whichever does.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { Summary } from '../summary/summary.ts';
import { Assembly, LooseAssembly } from './assembly.ts';
import type { Backend } from './backend.ts';
import { RoundCache } from './cache.ts';
import type { RoundBody, SessionBody } from './messages.ts';
import { NodeHashes, nodeKeys } from './node-keys.ts';
import { type Plan, planRound, planRuns, type TreeNode } from './plan.ts';
import { type Reference, resolveReference } from './reference.ts';
import { ReferenceNumbers } from './reference-numbers.ts';
import { RoundRows } from './round-progress.ts';
import type { Round, RoundResult, Session, SessionOptions, ViewKind } from './session.ts';

let sessionCount = 0;
let roundCount = 0;
/** Views are numbered across sessions, so that what a worker made for one serves the next. */
const viewNumbers = new ReferenceNumbers();

/** A session over a backend. */
export class ReduceSession implements Session {
  readonly particles: SessionOptions['particles'];
  readonly #backend: Backend;
  readonly #options: SessionOptions;
  readonly #body: SessionBody;
  readonly #rows: readonly number[];
  readonly #totalRows: number;
  readonly #hashes: NodeHashes;
  readonly #viewIds = new Map<number, string>();
  readonly #fullPlans = new Map<string, Plan>();
  #closed = false;

  constructor(backend: Backend, options: SessionOptions) {
    const { particles, source, sourceData } = options;
    this.particles = particles;
    this.#backend = backend;
    this.#options = options;
    this.#body = { session: sessionCount++, particles, source, sourceData };
    this.#rows = particles.map((ref) => ref.rows);
    this.#totalRows = this.#rows.reduce((sum, rows) => sum + rows, 0);
    this.#hashes = new NodeHashes(particles);
    backend.expect?.(this.#body);
  }

  get concurrent(): boolean {
    return this.#backend.concurrent;
  }

  async reduce<State, Value>(round: Round): Promise<RoundResult<State, Value>> {
    if (this.#closed) throw new SoraError('cancelled', 'The session was closed.');
    throwIfAborted(this.#options.signal);
    const summary = await resolveReference<Summary<State, Value, never>>(round.summary, round.parameters);
    if (this.particles.length === 0) {
      const state = summary.empty();
      return { state, value: summary.read(state), observed: 0, resident: true };
    }
    const key = await this.#keys(round, summary.id);
    while (true) {
      try {
        const { state, observed, resident } = await this.#play(round, summary, key);
        return { state, value: summary.read(state), observed, resident };
      } catch (error) {
        if (!this.#shrinks(error)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#backend.forget(this.#body);
  }

  async #play<State>(
    round: Round,
    summary: Summary<State, unknown, never>,
    key: (node: TreeNode) => string,
  ): Promise<Omit<RoundResult<State, unknown>, 'value'>> {
    const count = this.particles.length;
    const cache = new RoundCache(summary, this.#options.partials, round.keep, count, key);
    const loose = round.coarse === true && round.keep === undefined && summary.observeAll !== undefined;
    const assembly = loose
      ? new LooseAssembly(summary)
      : new Assembly(summary, count, (node, state) => cache.keepState(node, state));
    const plan = this.#plan(round, cache, loose);
    for (const hit of plan.hits) assembly.arrive(hit, cache.take(hit));
    const rows = new RoundRows(
      round.label ?? summary.id,
      this.#totalRows,
      plan.tasks,
      this.#options.onProgress,
    );
    let observed = 0;
    let resident = true;
    await this.#backend.play({
      session: this.#body,
      round: this.#roundBody(round, cache.keepsNodes),
      tasks: plan.tasks,
      signal: this.#options.signal,
      onProgress: (first, done) => rows.observed(first, done),
      onResult: (task, result) => {
        observed += task.count;
        resident &&= result.resident;
        for (const node of result.nodes) cache.keep(node, node.bytes);
        cache.keep(task, result.bytes);
        assembly.arrive(task, summary.codec.decode(result.bytes));
        rows.finished(task);
      },
    });
    if (assembly.result === undefined) throw new SoraError('internal', 'A round ended without its root.');
    rows.end();
    return { state: assembly.result.state, observed, resident };
  }

  /** The plan of a round without a cache is the same each time, so that particles stay with their workers. */
  #plan(round: Round, cache: RoundCache<unknown>, loose: boolean): Plan {
    const { workers } = this.#backend;
    if (round.keep !== undefined && this.#options.partials !== undefined) {
      const plan = planRound(this.#rows, workers, (node) => cache.lookUp(node));
      if (plan.hits.length > 0) return plan;
    }
    const coarse = round.coarse === true;
    const key = `${workers} ${coarse} ${loose}`;
    const plan =
      this.#fullPlans.get(key) ??
      (coarse ? planRuns(this.#rows, workers, loose) : planRound(this.#rows, workers));
    this.#fullPlans.set(key, plan);
    return plan;
  }

  #roundBody(round: Round, nodes: boolean): RoundBody {
    return {
      session: this.#body.session,
      round: roundCount++,
      summary: round.summary,
      parameters: round.parameters,
      view: round.view && { number: viewNumbers.of(round.view), reference: round.view },
      nodes,
      sticky: round.coarse ?? false,
      ...(round.lane === undefined ? {} : { lane: round.lane }),
    };
  }

  async #keys(round: Round, summaryId: string): Promise<(node: TreeNode) => string> {
    if (round.keep === undefined || this.#options.partials === undefined) return () => '';
    const view = round.view && (await this.#viewId(round.view));
    return nodeKeys(this.#hashes, { summary: summaryId, view, parameters: round.parameters });
  }

  async #viewId(reference: Reference): Promise<string> {
    const number = viewNumbers.of(reference);
    const known = this.#viewIds.get(number);
    if (known !== undefined) return known;
    const { id } = await resolveReference<ViewKind<unknown>>(reference);
    this.#viewIds.set(number, id);
    return id;
  }

  #shrinks(error: unknown): boolean {
    if (!(error instanceof SoraError) || error.code !== 'over-budget') return false;
    const { needBytes } = error.details;
    return typeof needBytes === 'number' && this.#backend.shrink(needBytes);
  }
}
