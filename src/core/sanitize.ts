// Control characters (C0, DEL, C1), bidirectional controls, zero-width and other invisible format characters.
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * Log text made safe to print on a terminal: control, bidirectional and invisible characters become visible escapes
 * (`\x1b`, `\u202e`), so nothing an attacker wrote can move the cursor, colour the screen or reorder what is read.
 */
export function sanitize(text: string, limit = 1_024): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(unsafe, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
