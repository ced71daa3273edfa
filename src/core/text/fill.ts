/** Values for the `{name}` places of a text. */
export type TextParams = Readonly<Record<string, string | number>>;

/** Replaces each `{name}` of `template` by `params.name`; a name that is not given stays as it stands. */
export function fill(template: string, params: TextParams): string {
  return template.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = params[name];
    return value === undefined ? place : String(value);
  });
}
