import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Namespace } from "./network-namespaces.ts";
import { mustRun, run, until } from "./run-program.ts";

/** A real OpenSSH server in a namespace. */
export interface Sshd {
  readonly port: number;
  /** The log of sshd, with time stamps and process names as syslog writes them. */
  readonly logPath: string;
  log(): Promise<string>;
  close(): Promise<void>;
}

export interface SshdOptions {
  /** Users of the machine that may sign in with a password, and their passwords; they live in this server only. */
  readonly users?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Where the log goes; a file in the server's own folder else. */
  readonly logPath?: string;
  /** Further lines for sshd_config. */
  readonly config?: readonly string[];
}

/**
 * Starts sshd in `namespace` with its own host keys, without PAM. Its users come from copies of /etc/passwd and
 * /etc/shadow that are mounted over the real ones for this process only. What sshd prints (`-e`) has no time stamp, so each
 * line gets the RFC 3164 envelope that rsyslog would write to auth.log, when it arrives and with one process id for all.
 */
export async function startSshd(namespace: Namespace, options: SshdOptions = {}): Promise<Sshd> {
  const { port = 22, users = {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "haechi-sshd-"));
  const logPath = options.logPath ?? join(folder, "auth.log");
  const close = async (): Promise<void> => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  let running: ReturnType<Namespace["start"]> | undefined;
  try {
    await mustRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "host_key")]);
    let passwd = await readFile("/etc/passwd", "utf8");
    let shadow = await readFile("/etc/shadow", "utf8");
    if (!/^sshd:/m.test(passwd)) passwd += "sshd:x:61999:65534::/run/sshd:/usr/sbin/nologin\n";
    let uid = 61_000;
    for (const [name, password] of Object.entries(users)) {
      const hash = (await mustRun("openssl", ["passwd", "-6", "-stdin"], { input: password })).trim();
      passwd = `${passwd.replace(new RegExp(`^${name}:.*\n`, "m"), "")}${name}:x:${name === "root" ? 0 : uid}:${name === "root" ? 0 : uid}::/tmp:/bin/sh\n`;
      shadow = `${shadow.replace(new RegExp(`^${name}:.*\n`, "m"), "")}${name}:${hash}:20000:0:99999:7:::\n`;
      uid++;
    }
    await writeFile(join(folder, "passwd"), passwd);
    await writeFile(join(folder, "shadow"), shadow, { mode: 0o600 });
    await writeFile(logPath, "", { flag: "a" });
    await mkdir(join(folder, "run"), { mode: 0o755 });
    const lines = [
      `Port ${port}`,
      `HostKey ${join(folder, "host_key")}`,
      `PidFile ${join(folder, "sshd.pid")}`,
      "UsePAM no",
      "PasswordAuthentication yes",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin yes",
      "UseDNS no",
      "MaxStartups 200",
      "PerSourceMaxStartups none",
      "LogLevel INFO",
      ...(options.config ?? []),
    ];
    await writeFile(join(folder, "sshd_config"), `${lines.join("\n")}\n`);
    const script = [
      `mount --bind ${folder}/passwd /etc/passwd`,
      `mount --bind ${folder}/shadow /etc/shadow`,
      `mkdir -p /run/sshd && mount --bind ${folder}/run /run/sshd`,
      // `-e` writes to standard error, one write a line; the loop stamps each line when it arrives.
      `exec /usr/sbin/sshd -D -e -f ${folder}/sshd_config 2>&1 | while IFS= read -r line; do printf '%s test-host sshd[%s]: %s\\n' "$(LC_ALL=C date '+%b %e %H:%M:%S')" 4242 "\${line%$(printf '\\r')}" >>"$0"; done`,
    ].join("\n");
    running = namespace.start("unshare", ["-m", "--propagation", "private", "sh", "-ec", script, logPath]);
    const server = running;
    await until("sshd listens", async () => {
      if (server.child.exitCode !== null) throw new Error(`sshd ended: ${server.output()} ${await readFile(logPath, "utf8")}`);
      return (await namespace.run("ss", ["-Hltn"])).includes(`:${port} `);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { port, logPath, log: () => readFile(logPath, "utf8"), close };
}

/** How a try to sign in ended. `refused`: wrong password; `unreachable`: no connection, or it was cut. */
export type SignIn = "accepted" | "refused" | "unreachable";

/** Tries one password over a connection of its own, from `from` (an address of the client) where given. */
export async function trySignIn(
  client: Namespace,
  server: string,
  options: { readonly user: string; readonly password: string; readonly port?: number; readonly from?: string; readonly timeout?: number },
): Promise<SignIn> {
  const { user, password, port = 22, from, timeout = 5 } = options;
  const known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
  const asked = [
    "-o",
    "NumberOfPasswordPrompts=1",
    "-o",
    "PreferredAuthentications=password",
    "-o",
    "PubkeyAuthentication=no",
    "-o",
    `ConnectTimeout=${timeout}`,
  ];
  const bind = from === undefined ? [] : ["-b", from];
  const ssh = ["-F", "none", ...known, ...asked, ...bind, "-p", String(port), "-l", user, server, "true"];
  const { status, stderr } = await run("ip", ["netns", "exec", client.name, "sshpass", "-p", password, "ssh", ...ssh], { timeout: (timeout + 5) * 1_000 });
  if (status === 0) return "accepted";
  return status === 5 || /Permission denied/.test(stderr) ? "refused" : "unreachable";
}

/** Guesses passwords one after the other, each over a connection of its own. Gives how each try ended. */
export async function guessPasswords(
  client: Namespace,
  server: string,
  passwords: readonly string[],
  options: { readonly user: string; readonly port?: number; readonly from?: string; readonly timeout?: number },
): Promise<SignIn[]> {
  const ends: SignIn[] = [];
  for (const password of passwords) ends.push(await trySignIn(client, server, { ...options, password }));
  return ends;
}
