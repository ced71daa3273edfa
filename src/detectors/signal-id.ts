import { hash } from "node:crypto";

/**
 * Id of an episode: 16 hexadecimal digits of SHA-256 over detector, rule, actor and the time of its first event, so that
 * the same lines give the same ids, live or replayed. Fields are joined with NUL, which none of them contains.
 *
 * @param first Event time of the episode's first event, epoch milliseconds.
 */
export function signalId(detector: string, rule: string, actor: string, first: number): string {
  return hash("sha256", `${detector}\0${rule}\0${actor}\0${first}`, "hex").slice(0, 16);
}
