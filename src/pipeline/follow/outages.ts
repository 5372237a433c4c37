/**
 * Tells when a source goes away and when it is back, once each. Clocks are looked at for what is told alone: nothing of it
 * reaches a commit.
 */
import type { StreamBatch } from '../../ingest/stream/stream.ts';

/** A source that cannot be reached, or can be again. It is tried again by itself. */
export interface SourceOutage {
  readonly kind: 'away' | 'back';
  /** The source, without a password. */
  readonly source: string;
  /** When it was noticed that it is away, in ISO 8601. */
  readonly since: string;
  /** Why it cannot be reached. */
  readonly reason: string;
  /** How long it was away. */
  readonly seconds?: number;
}

/** Looks at the batches of a source in order. */
export class Outages {
  readonly #source: string;
  readonly #tell: (outage: SourceOutage) => void;
  #now: { readonly outage: SourceOutage; readonly began: number } | undefined;

  constructor(source: string, tell: (outage: SourceOutage) => void) {
    this.#source = source;
    this.#tell = tell;
  }

  see({ away }: StreamBatch): void {
    if (away !== undefined) {
      if (this.#now === undefined) this.#begin(away);
    } else if (this.#now !== undefined) this.#end(this.#now);
  }

  #begin(reason: string): void {
    const outage = { kind: 'away', source: this.#source, since: new Date().toISOString(), reason } as const;
    this.#now = { outage, began: performance.now() };
    this.#tell(outage);
  }

  #end({ outage, began }: { readonly outage: SourceOutage; readonly began: number }): void {
    this.#now = undefined;
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    this.#tell({ ...outage, kind: 'back', seconds });
  }
}
