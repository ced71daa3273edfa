import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ownString } from "./own-string.ts";

it("keeps nothing of the text it was cut from", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const kept: string[] = [];
  collect();
  const before = memoryUsage().heapUsed;
  for (let i = 0; i < 100; i++)
    kept.push(
      ownString(
        Buffer.alloc(1_000_000, 97 + (i % 20))
          .toString("latin1")
          .slice(i, i + 40),
      ),
    );
  collect();
  expect(memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  expect(kept[3]).toBe("d".repeat(40));
  expect(ownString("가나다라마바사아자차카타파하")).toBe("가나다라마바사아자차카타파하");
});
