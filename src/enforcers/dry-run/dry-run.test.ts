import { expect, test } from "vitest";
import { enforcerConformance } from "#contracts/conformance/enforcer.ts";
import { dryRunEnforcer } from "./dry-run.ts";

const nothing = "it touches no system";

enforcerConformance("dry-run", async () => ({ enforcer: dryRunEnforcer(() => {}), close: async () => {} }), {
  skip: { lose: nothing, foreign: nothing, break: nothing },
});

test("says what it would do, in the operator's language", async () => {
  const lines: string[] = [];
  const enforcer = dryRunEnforcer((line) => lines.push(line), "ko");
  const signal = AbortSignal.timeout(1_000);
  const until = Date.now() + 60_000;
  await enforcer.sync([{ target: "45.9.20.31", until, decision: "d1", reason: "ssh" }], signal);
  await enforcer.sync([{ target: "45.9.20.31", until, decision: "d1", reason: "ssh" }], signal);
  await enforcer.sync([], signal);
  expect(lines).toEqual([`45.9.20.31 주소를 ${new Date(until).toISOString()}까지 차단했을 것입니다: ssh`, "45.9.20.31 차단을 풀었을 것입니다."]);
});
