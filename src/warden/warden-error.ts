import { HaechiError } from "#core/error.ts";

/** What goes wrong in the root process. Sent to the guard as code, key and params. */
export class WardenError extends HaechiError {}

/** The words of an unknown error, for the `reason` of a text. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
