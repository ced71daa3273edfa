import { HaechiError } from "#core/error.ts";

/** What goes wrong while bans are enforced: the system cannot be reached, or refuses. */
export class EnforcerError extends HaechiError {}

/** The words of an unknown error, for the `reason` of a text. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; what happened is in the cause.
  return error.cause instanceof Error && error.cause.message !== "" ? `${error.message}: ${error.cause.message}` : error.message;
}
