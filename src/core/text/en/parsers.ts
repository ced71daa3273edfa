/** English texts of this area. Every key stands in ../ko/parsers.ts too: the type there demands it. */
export const parsersEn = {
  "parsers.log-format-empty": "The log format names no variable. Give it as in the server's configuration, for example: {example}",
  "parsers.log-format-adjacent":
    "Log format, character {position}: nothing stands between {first} and {second}, so they cannot be told apart. Put a space or quotes between them in the server's log format.",
  "parsers.log-format-variable": "Log format, character {position}: {name} is not a variable of {server} log formats. Check its spelling.",
  "parsers.log-format-quote": "Log format, character {position}: a quote is opened and never closed. Copy the whole directive, up to its semicolon.",
  "parsers.log-format-long": "The log format is longer than {limit} characters. Give one format only.",
  "parsers.time-format": "Time format “{format}”: {conversion} is not known. Use iso8601, clf, epoch, or strftime conversions such as %Y-%m-%d %H:%M:%S.",
  "parsers.time-format-empty":
    "Time format “{format}” holds neither a day nor an hour. Use iso8601, clf, epoch, or strftime conversions such as %Y-%m-%d %H:%M:%S.",
  "parsers.field-map": "Field map: “{field}” is not a field name. Write ECS names on the left (source.ip) and the names of your log on the right.",
  "parsers.custom-invalid": "Parser “{name}”, {field}: {reason}",
  "parsers.custom-pattern": "Parser “{name}”: the pattern is not a regular expression: {reason}",
  "parsers.custom-no-groups": "Parser “{name}”: the pattern names no group, so nothing would be read. Write (?<source__ip>\\S+) for the field source.ip.",
  "parsers.custom-group": "Parser “{name}”: fields names the group “{group}”, which the pattern does not have.",
  "parsers.custom-unsupported":
    "Parser “{name}”, pattern, character {position}: {construct} is not allowed, because its running time cannot be bounded. Write the pattern without it.",
  "parsers.custom-unsafe":
    'Parser “{name}”: the pattern can read the same text in too many ways (near character {position}), so a crafted line could stall the guard. Make what follows a repetition differ from what it repeats: \\S+ or [^"]* instead of .*, one .* at most, no repetition of a repetition; and begin the pattern with ^.',
  "parsers.custom-large":
    "Parser “{name}”: the pattern is too large to be checked ({size} of at most {limit} positions). Shorten counted repetitions such as {0,500}.",
} as const satisfies Record<string, string>;
