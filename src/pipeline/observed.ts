/** A session that counts the particles that no cache answered for. */
import type { Round, RoundResult, Session } from '../run/session.ts';

/** Count of a {@link counted} session. */
export interface Observed {
  /** Most particles that one round looked at. */
  particles: number;
}

/** The session, and what it has looked at so far. */
export function counted(session: Session): { readonly session: Session; readonly observed: Observed } {
  const observed: Observed = { particles: 0 };
  return {
    observed,
    session: {
      particles: session.particles,
      concurrent: session.concurrent,
      close: () => session.close(),
      async reduce<State, Value>(round: Round): Promise<RoundResult<State, Value>> {
        const result = await session.reduce<State, Value>(round);
        observed.particles = Math.max(observed.particles, result.observed);
        return result;
      },
    },
  };
}
