import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { HaechiError } from "#core/error.ts";
import { wardenClient } from "#enforcers/warden-client.ts";
import { readRecords } from "./read-records.ts";
import type { Config } from "./config/schema.ts";
import { openPorts, type OpenPort } from "./open-ports.ts";
import { findSources } from "./sources.ts";
import { parserContext, parserPlugins } from "./builtins.ts";
import { adaptiveParser } from "#pipeline/adaptive-parser.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly key: TextKey;
  readonly params: TextParams;
}

/** What of the machine is asked; replaced in tests. */
export interface DoctorProbes {
  readonly uid: number | undefined;
  /** Output of a program, or undefined where it is not there or fails. */
  run(file: string, args: readonly string[]): Promise<string | undefined>;
  ports(): readonly OpenPort[];
  readonly now: number;
}

const runFile = promisify(execFile);

/** The machine as it is. */
export function systemProbes(): DoctorProbes {
  return {
    uid: process.getuid?.(),
    run: async (file, args) => {
      try {
        return (await runFile(file, [...args], { timeout: 5_000, env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" } })).stdout;
      } catch {
        return undefined;
      }
    },
    ports: () => openPorts(),
    now: Date.now(),
  };
}

const leastDisk = 500_000_000;
const farFuture = 300_000;

/** Looks at everything the guard needs; each finding says what is wrong and the next step. Never throws. */
export async function doctor(config: Config, directory: string, probes: DoctorProbes = systemProbes()): Promise<readonly Finding[]> {
  const [read, time, wall] = await Promise.all([logs(config, probes), clock(probes), firewall(config, probes)]);
  return [...state(directory), ...read, ...time, ...wall, ...ports(config, probes)];
}

function state(directory: string): Finding[] {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    if (free < leastDisk) return [{ check: "state", state: "warn", key: "cli.doctor.disk", params: { directory, megabytes: Math.round(free / 1e6) } }];
    return [{ check: "state", state: "ok", key: "cli.doctor.state-ok", params: { directory } }];
  } catch (error) {
    return [{ check: "state", state: "fail", key: "cli.doctor.state", params: { directory, reason: (error as Error).message } }];
  }
}

async function logs(config: Config, probes: DoctorProbes): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const found = await findSources(config);
    for (const { key, params } of found.problems) findings.push({ check: "logs", state: "fail", key, params });
    for (const { source } of found.sources) findings.push(...(await oneLog(config, source.id, probes)));
    if (found.sources.length === 0) findings.push({ check: "logs", state: "fail", key: "cli.up.nothing", params: {} });
  } catch (error) {
    if (!(error instanceof HaechiError)) throw error;
    findings.push({ check: "logs", state: "fail", key: error.key, params: error.params });
  }
  return findings;
}

/** Whether a log can be read, is understood, and carries stamps that this clock can believe. */
async function oneLog(config: Config, id: string, probes: DoctorProbes): Promise<Finding[]> {
  const path = id.replace(/^file:/, "");
  if (!existsSync(path)) return [{ check: "logs", state: "ok", key: "cli.doctor.log-source", params: { source: id } }];
  const parser = adaptiveParser(parserPlugins(config), parserContext(config));
  let lines = 0;
  let understood = 0;
  let ahead = 0;
  try {
    for await (const record of readRecords(path, AbortSignal.timeout(10_000))) {
      if (record.text === "") continue;
      const event = parser.parse({ ...record, writtenBy: probes.now });
      lines++;
      if (event) understood++;
      if (event && event["@timestamp"] - probes.now > farFuture) ahead++;
      if (lines >= 2_000) break;
    }
  } catch (error) {
    return [{ check: "logs", state: "fail", key: "config.unreadable", params: { path, reason: (error as Error).message } }];
  }
  if (ahead > lines / 2) return [{ check: "logs", state: "warn", key: "cli.doctor.log-ahead", params: { path } }];
  if (lines > 0 && understood === 0) return [{ check: "logs", state: "warn", key: "cli.doctor.log-unknown", params: { path } }];
  return [{ check: "logs", state: "ok", key: "cli.doctor.log-ok", params: { path, lines, understood } }];
}

async function clock(probes: DoctorProbes): Promise<Finding[]> {
  const said = await probes.run("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  if (said === undefined) return [{ check: "clock", state: "warn", key: "cli.doctor.clock-unknown", params: {} }];
  const synchronized = said.trim() === "yes";
  return [{ check: "clock", state: synchronized ? "ok" : "warn", key: synchronized ? "cli.doctor.clock-ok" : "cli.doctor.clock", params: {} }];
}

async function firewall(config: Config, probes: DoctorProbes): Promise<Finding[]> {
  if (config.enforcers && !config.enforcers.some((entry) => entry.nftables || entry.ufw))
    return [{ check: "firewall", state: "ok", key: "cli.doctor.firewall-other", params: {} }];
  const { socket } = config.warden;
  if (existsSync(socket)) {
    const client = wardenClient({ socketPath: socket });
    try {
      await client.request({ do: "list" }, AbortSignal.timeout(5_000));
      return [{ check: "firewall", state: "ok", key: "cli.doctor.warden-ok", params: { socket } }];
    } catch (error) {
      return [{ check: "firewall", state: "fail", key: "cli.doctor.warden", params: { socket, reason: (error as Error).message } }];
    } finally {
      await client.close();
    }
  }
  if ((await probes.run("nft", ["--version"])) === undefined) return [{ check: "firewall", state: "fail", key: "cli.up.no-nft", params: {} }];
  if (probes.uid !== 0) return [{ check: "firewall", state: "warn", key: "cli.doctor.no-warden", params: { socket } }];
  return [{ check: "firewall", state: "ok", key: "cli.doctor.firewall-ok", params: {} }];
}

function ports(config: Config, probes: DoctorProbes): Finding[] {
  const undeclared = probes.ports().filter(({ port }) => !config.ports.includes(port));
  if (undeclared.length === 0) return [{ check: "ports", state: "ok", key: "cli.doctor.ports-ok", params: {} }];
  const list = undeclared.map(({ protocol, port, process: owner }) => `${protocol}/${port}${owner === undefined ? "" : ` (${owner})`}`).join(", ");
  return [{ check: "ports", state: "warn", key: "cli.doctor.ports", params: { list } }];
}
