import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { HaechiError } from "#core/error.ts";
import { languageOf, text } from "#core/text/text.ts";
import { runWarden } from "./warden.ts";
import { reasonOf, WardenError } from "./warden-error.ts";

/**
 * The `haechi warden` command: `--socket PATH --user NAME|UID [--backend nftables|ufw] [--prefix4 BITS] [--prefix6 BITS]
 * [--while-stdin]`. Runs until SIGTERM or SIGINT; with `--while-stdin` also until standard input ends, so that a warden
 * started by a guard goes with it, however the guard ended. Gives the exit status: 0 after a signal, 2 for an error.
 */
export async function wardenMain(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const language = languageOf(env);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const notice = (error: HaechiError): void => say(text(language, error.key, error.params));
  try {
    const options = readArguments(args);
    const warden = await runWarden({ ...options, notice });
    say(text(language, "enforce.wardenListening", { backend: options.backend, socket: options.socketPath, uid: options.allowUid }));
    await untilToldToStop(options.whileStdin);
    await warden.close();
    // An open pipe would keep the process alive.
    if (options.whileStdin) process.stdin.destroy();
    return 0;
  } catch (error) {
    if (error instanceof HaechiError) notice(error);
    else say(reasonOf(error));
    return 2;
  }
}

function readArguments(args: readonly string[]) {
  const wrong = (reason: string): WardenError => new WardenError("warden-usage", "enforce.wardenUsage", { reason });
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        socket: { type: "string", default: "/run/haechi-warden/warden.sock" },
        user: { type: "string" },
        backend: { type: "string", default: "nftables" },
        prefix4: { type: "string", default: "24" },
        prefix6: { type: "string", default: "48" },
        "while-stdin": { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw wrong(reasonOf(error));
  }
  const { socket: socketPath, user, backend } = values;
  // Unix socket addresses end at 107 bytes; a longer path would be cut by the kernel.
  if (!socketPath.startsWith("/") || Buffer.byteLength(socketPath) > 107) throw wrong("--socket must be an absolute path of at most 107 bytes");
  if (user === undefined) throw wrong("--user is missing");
  if (backend !== "nftables" && backend !== "ufw") throw wrong(`--backend knows nftables and ufw, not ${backend}`);
  const bits = (name: string, value: string, most: number): number => {
    if (!/^\d{1,3}$/.test(value) || Number(value) < 8 || Number(value) > most) throw wrong(`--${name} must be between 8 and ${most}`);
    return Number(value);
  };
  const { uid, gid } = lookUpUser(user);
  const widest = { prefix4: bits("prefix4", values.prefix4, 32), prefix6: bits("prefix6", values.prefix6, 128) };
  return { socketPath, allowUid: uid, allowGid: gid, backend, widest, whileStdin: values["while-stdin"] } as const;
}

/** User and group id of a name or number, by the system's user database (`getent` also asks LDAP and systemd). */
function lookUpUser(user: string): { uid: number; gid: number } {
  try {
    if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}$/.test(user)) throw new Error("no user name");
    const fields = execFileSync("getent", ["passwd", user], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" }, timeout: 10_000 }).split(":");
    const [uid, gid] = [Number(fields[2]), Number(fields[3])];
    if (!Number.isInteger(uid) || !Number.isInteger(gid)) throw new Error("unreadable entry");
    return { uid, gid };
  } catch (error) {
    throw new WardenError("warden-user", "enforce.wardenUser", { user }, { cause: error });
  }
}

function untilToldToStop(whileStdin: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
    if (!whileStdin) return;
    process.stdin.resume();
    process.stdin.once("end", resolve);
    process.stdin.once("error", resolve);
  });
}
