import { describe, expect, test } from "vitest";
import { compileDetection } from "./compile.ts";
import { SigmaError } from "./sigma-error.ts";

const names = ["a", "b", "c", "_hidden", "sel_1", "sel_2", "filter_main_x"];
const detection = new Map(names.map((name) => [name, { [name]: 1 }]));

function holds(condition: string | readonly string[], present: readonly string[]): boolean {
  const event = Object.fromEntries(present.map((name) => [name, 1]));
  return compileDetection(detection, typeof condition === "string" ? [condition] : condition, "detection", {}).test(event);
}
function refusal(condition: string): string {
  try {
    holds(condition, []);
  } catch (error) {
    if (error instanceof SigmaError) return `${error.field}: ${error.reason}`;
    throw error;
  }
  return "accepted";
}

describe("conditions", () => {
  test.each<[string, readonly string[], boolean]>([
    ["a", ["a"], true],
    ["a and b", ["a"], false],
    ["a or b", ["b"], true],
    ["not a", [], true],
    ["a and not b", ["a", "b"], false],
    ["a or b and c", ["a"], true],
    ["(a or b) and c", ["a"], false],
    ["not a and b", ["b"], true],
    ["not (a and b)", ["a"], true],
    ["not not a", ["a"], true],
    ["a AND NOT b OR c", ["a"], true],
    ["((a))and(b)", ["a", "b"], true],
    ["1 of sel*", ["sel_2"], true],
    ["any of sel*", ["sel_2"], true],
    ["all of sel_*", ["sel_2"], false],
    ["all of sel_*", ["sel_1", "sel_2"], true],
    ["a and not 1 of filter_main_*", ["a", "filter_main_x"], false],
    ["1 of them", ["_hidden"], false],
    ["1 of them", ["c"], true],
    ["all of them", ["a", "b", "c", "sel_1", "sel_2", "filter_main_x"], true],
    ["1 of *l_1", ["sel_1"], true],
    ["1 of sel_1", ["sel_1"], true],
    ["1 of _*", ["_hidden"], true],
    ["_hidden", ["_hidden"], true],
    ["not all of sel*", ["sel_1"], true],
  ])("%s with %j: %s", (condition, present, expected) => {
    expect(holds(condition, present)).toBe(expected);
  });
  test("a list of conditions is or", () => {
    expect(holds(["a", "b and c"], ["b", "c"])).toBe(true);
    expect(holds(["a", "b and c"], ["b"])).toBe(false);
  });
  test.each([
    ["", "detection.condition: is empty"],
    ["a and", "detection.condition: the condition ends too early"],
    ["(a", "detection.condition: the condition ends too early"],
    ["a)", "detection.condition: the condition is not readable at `)`"],
    ["a b", "detection.condition: the condition is not readable at `b`"],
    ["and a", "detection.condition: the condition is not readable at `and`"],
    ["nobody", "detection.condition: the condition names `nobody`, which is not defined"],
    ["1 of none*", "detection.condition: no search identifier matches `none*`"],
    ["1 of sel", "detection.condition: no search identifier matches `sel`"],
    ["2 of sel*", "detection.condition: `2 of` is not known; 1, any and all are"],
    ["a | count() > 5", "detection.condition: aggregation in a condition (`| …`) is obsolete since Sigma 2; write a correlation rule"],
    ["(".repeat(100), "detection.condition: is nested too deeply (more than 64 levels)"],
    ["not ".repeat(100), "detection.condition: is nested too deeply (more than 64 levels)"],
  ])("refused: %s", (condition, expected) => {
    expect(refusal(condition)).toBe(expected);
  });
});
