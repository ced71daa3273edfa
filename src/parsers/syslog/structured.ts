/** Where the parts of an RFC 5424 line lie, after priority and version. Indexes into the line; an end is exclusive. */
export interface StructuredHeader {
  readonly stampAt: number;
  readonly host: string | undefined;
  readonly program: string | undefined;
  readonly pid: number | undefined;
  readonly messageAt: number;
}

/**
 * Reads the header of RFC 5424 from the time stamp on (`at`), steps over the structured data and a byte order mark. Undefined
 * where the line breaks the grammar.
 */
export function readStructuredHeader(text: string, at: number): StructuredHeader | undefined {
  const hostAt = text.indexOf(" ", at) + 1;
  const programAt = hostAt > 0 ? text.indexOf(" ", hostAt) + 1 : 0;
  const pidAt = programAt > 0 ? text.indexOf(" ", programAt) + 1 : 0;
  const idAt = pidAt > 0 ? text.indexOf(" ", pidAt) + 1 : 0;
  const dataAt = idAt > 0 ? text.indexOf(" ", idAt) + 1 : 0;
  if (dataAt === 0) return undefined;
  let end = stepOverData(text, dataAt);
  if (end < 0) return undefined;
  if (text.charCodeAt(end) === 32) end++;
  else if (end < text.length) return undefined;
  if (text.charCodeAt(end) === 0xfeff) end++;
  const pid = text.slice(pidAt, idAt - 1);
  return {
    stampAt: at,
    host: value(text.slice(hostAt, programAt - 1)),
    program: value(text.slice(programAt, pidAt - 1)),
    pid: pid.length <= 10 && /^\d+$/.test(pid) ? Number(pid) : undefined,
    messageAt: end,
  };
}

function value(text: string): string | undefined {
  return text === "-" || text === "" ? undefined : text;
}

/** Index after `-` or `[id name="value" …]…`, where `\` escapes a character of a value; -1 where it does not end. */
function stepOverData(text: string, at: number): number {
  if (text.charCodeAt(at) === 45) return at + 1;
  let i = at;
  while (text.charCodeAt(i) === 91) {
    let quoted = false;
    for (i++; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (quoted && code === 92) i++;
      else if (code === 34) quoted = !quoted;
      else if (!quoted && code === 93) break;
    }
    if (i >= text.length) return -1;
    i++;
  }
  return i === at ? -1 : i;
}
