/** English texts of this area. Every key stands in ../ko/sources.ts too: the type there demands it. */
export const sourcesEn = {
  "sources.archiveDamaged":
    "{path} is damaged or incomplete at byte {byte} ({reason}). All lines before that were read; restore the file from a backup to read the rest.",
  "sources.unreadable": "Cannot read {path} ({reason}). Check that the path is right and that this user may read it.",
  "sources.cursorInvalid": "The saved position of {source} cannot be read ({reason}). Remove it to read the source from its beginning.",
  "sources.patternInvalid": "The pattern {pattern} is not a path or glob that can be followed ({reason}).",
  "sources.journaldFailed": "journalctl ended ({reason}): {detail}. Check that it is installed and that this user is in the group systemd-journal.",
  "sources.listenFailed": "Cannot listen for syslog on {transport} {host}:{port} ({reason}). Choose a free port or stop the program that holds it.",
  "sources.why.file": "The file is there and readable.",
  "sources.why.journald": "No syslog file was found; the systemd journal is read instead.",
  "sources.problem.denied": "No permission to read {path}. Add this user to the group {group}: sudo usermod -aG {group} {user}",
  "sources.problem.deniedMode":
    "No permission to read {path}: its mode {mode} lets only its owner {owner} read it. Let a group read it (chmod g+r, chgrp adm) or run Haechi as that user.",
  "sources.problem.deniedDirectory": "No permission to look into {path}. Add this user to the group {group} or let others enter it.",
  "sources.problem.unreadable": "Cannot read {path} ({reason}).",
  "sources.problem.journal": "The systemd journal is there but this user may not read it. Add the user to the group {group}: sudo usermod -aG {group} {user}",
  "sources.problem.nothing": "No log was found under {path}. Name the log files in haechi.yaml.",
} as const satisfies Record<string, string>;
