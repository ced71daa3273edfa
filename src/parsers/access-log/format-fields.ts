import type { FieldValue } from "#core/event.ts";
import { clfTimeLength } from "../clf-time.ts";
import { unescapeLogValue } from "../log-escapes.ts";
import type { TimeFormat } from "../time-format.ts";
import { present, type WebFields } from "../web-event.ts";
import type { FormatField } from "./format-walker.ts";

/** What a line of a given format is read into: the usual fields, and whatever else the format logs. */
export interface FormatDraft {
  readonly web: WebFields;
  readonly extra: Record<string, FieldValue>;
  /** Time by which the line was written, epoch milliseconds. */
  writtenBy: number;
  /** A time was read and is none: the line is not of the format. */
  failed: boolean;
}

export type DraftField = FormatField<FormatDraft>;
/** What a variable is, without where it stands. */
export type FieldMeaning = Pick<DraftField, "kind" | "slash" | "address" | "set">;

type TextName = {
  [K in keyof WebFields]: WebFields[K] extends string | undefined ? (undefined extends WebFields[K] ? K : never) : never;
}[keyof WebFields];

/** A text of a request, escapes undone. */
export function textField(name: TextName, kind: DraftField["kind"], more: { slash?: boolean; address?: boolean } = {}): FieldMeaning {
  return {
    kind,
    ...more,
    set(draft, value) {
      // Apache writes an empty user name as `""`, outside of quotes.
      const written = name === "user" && value === '""' ? undefined : present(value);
      if (written !== undefined) draft.web[name] = name === "request" ? written : unescapeLogValue(written);
      else if (name === "request") draft.web.request = "";
    },
  };
}

/** A whole number of a request, or one in `extra`. */
export function numberField(name: "status" | "bytes" | "port"): FieldMeaning {
  return {
    kind: "word",
    set(draft, value) {
      if (/^\d{1,15}$/.test(value)) draft.web[name] = Number(value);
    },
  };
}

/** The time a request took, written in units of `unit` nanoseconds. */
export function durationField(unit: number): FieldMeaning {
  return {
    kind: "word",
    set(draft, value) {
      if (/^\d{1,12}(?:\.\d{1,9})?$/.test(value)) draft.web.duration = Math.round(Number(value) * unit);
    },
  };
}

/** The time of the request. */
export function timeField(format: TimeFormat, kind: DraftField["kind"] = format.length ?? "word"): FieldMeaning {
  return {
    kind,
    set(draft, value) {
      draft.web.time = format.read(value, draft.writtenBy);
      if (Number.isNaN(draft.web.time)) draft.failed = true;
    },
  };
}

/** A field of the event outside the usual ones; a number where `number` is set and it is one. */
export function extraField(name: string, kind: DraftField["kind"], number = false): FieldMeaning {
  return {
    kind,
    set(draft, value) {
      const written = present(value);
      if (written === undefined) return;
      draft.extra[name] = number && /^-?\d{1,15}(?:\.\d{1,9})?$/.test(written) ? Number(written) : unescapeLogValue(written);
    },
  };
}

/** Secrets that a log should not hold go no further. */
export const secretField: FieldMeaning = { kind: "free", set() {} };

/** `[10/Oct/2000:13:55:36 -0700]` without its brackets. */
export function clfField(format: TimeFormat): FieldMeaning {
  return timeField(format, clfTimeLength);
}
