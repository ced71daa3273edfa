/** English texts of this area. Every key stands in ../ko/enforce.ts too: the type there demands it. */
export const enforceEn = {
  "enforce.wardenUnreachable": "The warden does not answer on {socket} ({reason}). Start it as root: haechi warden --socket {socket} --user USER",
  "enforce.wardenTimeout":
    "The warden on {socket} did not finish '{request}' within {seconds} s. The firewall keeps what it had; it is tried again at the next round.",
  "enforce.wardenBusy": "The warden has {waiting} requests waiting and takes no more. Try again in a moment.",
  "enforce.wardenMessage": "The warden did not understand a message: {reason}. Guard and warden may be of different versions: restart both.",
  "enforce.wardenReply":
    "The warden on {socket} answered '{request}' with something else than agreed. Guard and warden may be of different versions: restart both.",
  "enforce.wardenNotRoot": "The warden changes the firewall and must run as root. Start it with sudo or as a systemd service.",
  "enforce.wardenDirectory":
    "{directory} must belong to root and be writable by root alone, because whoever may write there could replace the warden's socket. Choose another --socket or fix the folder: chown root {directory} && chmod go-w {directory}",
  "enforce.wardenRunning": "Another warden already listens on {socket}. Stop it first, or choose another --socket.",
  "enforce.wardenUser": "This machine has no user '{user}'. Create it (adduser --system {user}) or name another with --user.",
  "enforce.wardenUsage":
    "{reason}. Usage: haechi warden --socket PATH --user NAME|UID [--backend nftables|ufw] [--prefix4 BITS] [--prefix6 BITS] [--while-stdin]",
  "enforce.wardenListening": "Warden ({backend}) listens on {socket} for user {uid}.",
  "enforce.wardenRefusedPeer": "A connection of user {uid} was refused: only user {allowed} and root may talk to the warden.",
  "enforce.wardenExpiry": "Expired rules could not be removed: {reason}",
  "enforce.commandMissing": "{command} cannot be run ({reason}). Install the package '{package}'.",
  "enforce.commandFailed": "{command} failed: {reason}",
  "enforce.commandTimeout": "{command} did not finish within {seconds} s and was stopped.",
  "enforce.ufwInactive":
    "ufw is inactive, so its rules block nobody. Switch it on (allow SSH first): ufw allow OpenSSH && ufw enable. Or use the nftables enforcer.",
  "enforce.nftUnreadable": "nft printed something that could not be read as its JSON listing: {reason}",
  "enforce.refusedUnparsable": "is no address or network in canonical form",
  "enforce.refusedWidth": "is a wider network than the warden may block",
  "enforce.refusedReserved": "is loopback, link-local, multicast or otherwise reserved",
  "enforce.refusedOwn": "is an address of this machine",
  "enforce.refusedFull": "does not fit: the firewall's list is full (ufw holds {limit} rules of ours; use nftables for more)",
  "enforce.refusedTooMany": "does not fit: at most {limit} bans are held",
  "enforce.refusedNotHeld": "was sent to the firewall, but is not there when read back",
  "enforce.webhookUnreachable": "The webhook {url} could not be reached in {tries} tries: {reason}",
  "enforce.webhookRefused": "The webhook {url} refused the bans: it answered {status}. Check the address and the secret on both sides.",
  "enforce.crowdsecUnreachable": "The CrowdSec local API at {url} does not answer: {reason}. Is crowdsec running?",
  "enforce.crowdsecLogin":
    "The CrowdSec local API at {url} refused machine '{machine}' ({status}). Register it: cscli machines add {machine} --password … and check the password.",
  "enforce.crowdsecKey": "The CrowdSec local API at {url} refused the bouncer key ({status}). Make one with: cscli bouncers add haechi",
  "enforce.crowdsecAnswer": "The CrowdSec local API answered {request} with {status}: {reason}",
  "enforce.crowdsecAllowlisted": "is on a CrowdSec allow list ({reason})",
  "enforce.crowdsecNotHeld": "was accepted by CrowdSec, but is not among its active decisions when read back",
  "enforce.feedLost": "{reason} Bans that came from {feed} stay until they end; it is asked again and again.",
  "enforce.feedBack": "{feed} answers again; its bans are followed.",
  "enforce.dryRunAdd": "Would block {target} until {until}: {reason}",
  "enforce.dryRunRemove": "Would release {target}.",
  "enforce.dryRunFlush": "Would release all {count} targets.",
  "enforce.dryRunKill": "Would end the connections of {target}.",
} as const satisfies Record<string, string>;
