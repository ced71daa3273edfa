/**
 * A copy of `text` that shares no memory with the string it was sliced from. V8 keeps the whole parent of a slice alive
 * (a 4 MB chunk for a 15 byte address), so whatever outlives its line is copied first. Cutting a joined text makes V8
 * write the join out, which is the copy; it is twice as fast as the way through a Buffer.
 */
export function ownString(text: string): string {
  return text.length < 13 ? text : ` ${text}`.slice(1);
}
