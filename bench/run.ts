import { parseArgs } from "node:util";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: "string", default: "500000" }, long: { type: "boolean", default: false } },
});
const [which = "all"] = positionals;

if (which === "all" || which === "scan") await (await import("./scan.ts")).benchScan(Number(values.lines), values.long);
if (which === "all" || which === "live") await (await import("./live.ts")).benchLive();
if (which === "detection") await import("./detection.ts");
