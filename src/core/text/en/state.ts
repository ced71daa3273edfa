/** English texts of this area. Every key stands in ../ko/state.ts too: the type there demands it. */
export const stateEn = {
  "state.busy": "The state file {path} is in use by another Haechi. Stop that one first (`systemctl stop haechi`), or look with a command that only reads.",
  "state.corrupt":
    "The state file {path} is damaged: {detail}. Nothing was changed. Move it aside and put the latest copy ({path}.v*.bak or your own backup) in its place, or start with a new, empty file. Bans in the firewall stay until they end.",
  "state.newer":
    "The state file {path} was written by a newer Haechi (its version is {found}, this program knows {known}). Update Haechi, or go back to the copy that the update made ({path}.v*.bak).",
  "state.older":
    "The state file {path} is of an older version ({found}, this program needs {known}). Start `haechi up` once: it makes a copy and updates the file.",
  "state.full": "There is no room left on the disk for the state file {path}. Free some space; Haechi goes on by itself.",
  "state.missing": "There is no state file {path} yet. Start `haechi up` once, or give the right path.",
  "state.unreadable": "The state file {path} cannot be opened: {detail}. Check that its folder exists and that this user may read and write there.",
  "state.read_only":
    "The state file {path} is open for reading only, so nothing can be changed. If that was not meant, check the permissions of the file and its folder.",
  "state.closed": "The state file {path} is already closed: Haechi is stopping.",
  "state.failed": "The state file {path} could not be used: {detail}. Check the disk and the permissions, then start Haechi again.",
} as const satisfies Record<string, string>;
