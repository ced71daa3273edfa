import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, start, until, type Running } from "./run-program.ts";

/** Debian's real CrowdSec with its local API on a free loopback port: no hub, no central API, no log reading. */
export interface Lapi {
  readonly url: string;
  readonly machine: string;
  readonly password: string;
  /** Key of a bouncer; each call makes another one. */
  makeBouncerKey(): Promise<string>;
  cscli(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one in a temporary folder and registers the machine `haechi`. */
export async function startLapi(): Promise<Lapi> {
  const folder = await mkdtemp(join(tmpdir(), "haechi-crowdsec-"));
  const port = await freePort();
  const at = (name: string): string => join(folder, name);
  for (const name of ["data", "hub", "notifications", "plugins"]) await mkdir(at(name));
  const config = {
    common: { daemonize: false, log_media: "stdout", log_level: "info", working_dir: "." },
    config_paths: {
      config_dir: `${folder}/`,
      data_dir: at("data/"),
      hub_dir: at("hub/"),
      index_path: at("hub/.index.json"),
      simulation_path: at("simulation.yaml"),
      notification_dir: at("notifications/"),
      plugin_dir: at("plugins/"),
    },
    crowdsec_service: { enable: false },
    cscli: { output: "human", color: "no" },
    db_config: { log_level: "info", type: "sqlite", db_path: at("data/crowdsec.db"), use_wal: true, flush: { max_items: 50_000, max_age: "7d" } },
    api: {
      client: { insecure_skip_verify: false, credentials_path: at("client.yaml") },
      server: { enable: true, log_level: "info", listen_uri: `127.0.0.1:${port}`, profiles_path: at("profiles.yaml") },
    },
    prometheus: { enabled: false },
  };
  // JSON is YAML.
  await writeFile(at("config.yaml"), JSON.stringify(config));
  await writeFile(at("hub/.index.json"), "{}");
  await writeFile(at("simulation.yaml"), "simulation: false\n");
  await writeFile(at("profiles.yaml"), 'name: nothing\nfilters: ["false"]\ndecisions: [{type: ban, duration: 4h}]\non_success: break\n');
  await writeFile(at("client.yaml"), "");
  const cscli = (...args: readonly string[]): Promise<string> => mustRun("cscli", ["-c", at("config.yaml"), "--error", ...args]);
  const password = "test-password-of-haechi";
  let running: Running;
  let bouncers = 0;
  const restart = async (): Promise<void> => {
    running = start("crowdsec", ["-c", at("config.yaml"), "-no-cs", "-no-capi"]);
    const url = `http://127.0.0.1:${port}/v1/decisions`;
    await until("the local API answers", async () => {
      if (running.child.exitCode !== null) throw new Error(`crowdsec ended: ${running.output()}`);
      return fetch(url).then(
        (response) => response.status > 0,
        () => false,
      );
    });
  };
  const close = async (): Promise<void> => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await cscli("machines", "add", "haechi", "--password", password, "--force", "-f", at("client.yaml"));
    await restart();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    machine: "haechi",
    password,
    makeBouncerKey: async () => (await cscli("bouncers", "add", `bouncer${bouncers++}`, "-o", "raw")).trim(),
    cscli,
    stop: () => running.stop("SIGKILL"),
    restart,
    close,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
