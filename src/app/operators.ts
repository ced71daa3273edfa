import { readFileSync, readdirSync } from "node:fs";
import { normalizeAddress } from "#core/ip.ts";

/**
 * Addresses from which somebody is signed in over ssh right now, read from the environments of running shells as far as this
 * user may read them (`SSH_CONNECTION`, see ssh(1)), and from our own. They are never banned.
 */
export function operatorAddresses(): readonly string[] {
  const found = new Set<string>();
  const take = (connection: string | undefined): void => {
    const address = connection === undefined ? undefined : normalizeAddress(connection.split(" ")[0] ?? "");
    if (address !== undefined) found.add(address);
  };
  take(process.env["SSH_CONNECTION"]);
  let processes: string[] = [];
  try {
    processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    // Not Linux: our own environment is all there is.
  }
  for (const id of processes.slice(0, 4_096)) {
    try {
      take(/(?:^|\0)SSH_CONNECTION=([^\0]*)/.exec(readFileSync(`/proc/${id}/environ`, "latin1"))?.[1]);
    } catch {
      // Another user's process, or one that just ended.
    }
  }
  return [...found];
}
