// Completes package-lock.json with the optional packages of other platforms. A registry mirror that lacks them leaves them out of
// the lockfile, and `npm ci` then refuses it (npm 11). Run after `npm install` on such a machine; elsewhere it changes nothing.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32", "aix"];
const processors = {
  x64: "x64",
  arm64: "arm64",
  ia32: "ia32",
  ppc64: "ppc64",
  ppc64le: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  loong64: "loong64",
  arm: "arm",
  mips64el: "mips64el",
  wasm32: "wasm32",
};

/** What a platform package may be installed on, told by its name: `binding-linux-arm-musleabihf`, `darwin-x64`. */
function platform(name) {
  const parts = name.split(/[/-]/);
  const os = parts.find((part) => systems.includes(part));
  const cpu = parts.find((part) => part in processors) ?? (name.includes("wasm32") ? "wasm32" : undefined);
  if (cpu === undefined) return undefined;
  const libc = parts.at(-1).startsWith("musl") ? ["musl"] : parts.at(-1).startsWith("gnu") ? ["glibc"] : undefined;
  return { ...(os ? { os: [os] } : {}), cpu: [processors[cpu]], ...(libc ? { libc } : {}) };
}

let added = 0;
for (const [, { optionalDependencies = {}, dev, optional }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    const where = platform(name);
    if (lock.packages[key] || !where || !/^\d/.test(version)) continue;
    lock.packages[key] = { version, ...where, ...(dev || optional ? { dev: true } : {}), optional: true };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`package-lock.json: ${added} packages of other platforms added`);
