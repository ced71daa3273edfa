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
