import { expect, it } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

it("finds what was meant and stays silent where nothing is near", () => {
  expect(nearest("stauts", ["scan", "status", "approve"])).toBe("status");
  expect(nearest("aprove", ["scan", "status", "approve"])).toBe("approve");
  expect(nearest("xyzzy", ["scan", "status", "approve"])).toBeUndefined();
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("ab", "ba")).toBe(1);
});
