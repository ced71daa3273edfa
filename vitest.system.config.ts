import { defineConfig } from "vitest/config";

// Tests against real servers and the real kernel. They need root and what scripts/install-system.sh installs:
//   sudo scripts/install-system.sh && sudo node_modules/.bin/vitest run --config vitest.system.config.ts
export default defineConfig({
  test: {
    include: ["test/system/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    // One after the other: they measure times and share the machine's network namespaces.
    fileParallelism: false,
  },
});
