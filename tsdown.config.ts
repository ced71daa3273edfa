import { defineConfig } from "tsdown";

export default defineConfig({
  entry: ["src/cli/main.ts", "src/app/scan-worker.ts"],
  // One file for each module: folders beside dist/ (rules, data) are found by relative paths.
  unbundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  dts: false,
  outExtensions: () => ({ js: ".js" }),
});
