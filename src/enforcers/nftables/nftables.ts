import type { Enforcer } from "#contracts/enforcer.ts";
import type { Language } from "#core/text/text.ts";
import type { WardenClient } from "#enforcers/warden-client.ts";
import { wardenEnforcer } from "#enforcers/warden-enforcer.ts";

/**
 * Bans by the kernel's firewall through a warden with the nftables backend: table `inet haechi`, one transaction for each
 * change, ends kept by the kernel, live connections of newly banned addresses ended. Closing it closes `client`.
 */
export function nftablesEnforcer(client: WardenClient, language: Language = "en"): Enforcer {
  return wardenEnforcer("nftables", client, 50_000, language);
}
