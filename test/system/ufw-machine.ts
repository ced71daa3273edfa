import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { startTestWarden, type TestWarden } from "./start-warden.ts";

/** Two namespaces of which the server has an active ufw of its own, behind a real warden. */
export interface UfwMachine {
  readonly pair: NamespacePair;
  readonly warden: TestWarden;
  ufw(...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** A namespace with its own active ufw: its files are copies that are mounted over the real ones for its processes only. `prepare` = further shell commands before the warden. */
export async function makeUfwMachine(active = true, prepare = ""): Promise<UfwMachine> {
  const folder = await mkdtemp(join(tmpdir(), "haechi-ufw-"));
  await cp("/etc/ufw", join(folder, "ufw"), { recursive: true });
  await cp("/etc/default/ufw", join(folder, "default"));
  const mounts = [
    `mount --bind ${folder}/ufw /etc/ufw`,
    `mount --bind ${folder}/default /etc/default/ufw`,
    "mount -t tmpfs tmpfs /run/lock",
    `touch ${folder}/lock /run/ufw.lock`,
    `mount --bind ${folder}/lock /run/ufw.lock`,
  ].join("\n");
  const pair = await makeNamespacePair();
  const ufw = (...args: readonly string[]): Promise<string> =>
    pair.server.run("unshare", ["-m", "--propagation", "private", "sh", "-ec", `${mounts}\nexec ufw "$@"`, "sh", ...args]);
  let warden: TestWarden | undefined;
  const close = async (): Promise<void> => {
    await warden?.close();
    await pair.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ufw("allow", "2222/tcp");
    if (active) await ufw("--force", "enable");
    warden = await startTestWarden(pair.server, { backend: "ufw", prepare: `${mounts}\n${prepare}` });
  } catch (error) {
    await close();
    throw error;
  }
  return { pair, warden, ufw, close };
}
