import type { Enforcer } from "#contracts/enforcer.ts";
import type { Language } from "#core/text/text.ts";
import type { WardenClient } from "#enforcers/warden-client.ts";
import { wardenEnforcer } from "#enforcers/warden-enforcer.ts";

/**
 * Bans as ufw rules through a warden with the ufw backend: `deny from` before all others with the comment `haechi`. At
 * most 256 (ufw takes about 0.2 s a rule), and the warden must run for bans to end. Closing it closes `client`.
 */
export function ufwEnforcer(client: WardenClient, language: Language = "en"): Enforcer {
  return wardenEnforcer("ufw", client, 256, language);
}
