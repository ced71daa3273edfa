import { inspect } from "node:util";

/** A value that must not be printed: JSON, inspection and string conversion show `[secret]`; only `reveal` gives it. */
export interface Secret {
  /** The secret itself, for the one place that needs it. */
  reveal(): string;
}

/** Wraps a secret so that no log, error, or API answer can show it by accident. */
export function secret(value: string): Secret {
  const hidden = (): string => "[secret]";
  return Object.freeze({ reveal: () => value, toString: hidden, toJSON: hidden, [inspect.custom]: hidden });
}

/** `text` with every occurrence of the secrets (of 4 characters and more) blotted out. */
export function redact(text: string, secrets: Iterable<Secret>): string {
  let out = text;
  for (const item of secrets) {
    const value = item.reveal();
    if (value.length >= 4) out = out.replaceAll(value, "[secret]");
  }
  return out;
}
