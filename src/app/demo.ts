import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { text, type Language } from "#core/text/text.ts";
import { demoScript } from "./demo-script.ts";
import type { Guard } from "./guard.ts";
import { up } from "./up.ts";

export interface DemoOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly language: Language;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Approves each proposal by itself after a few seconds. */
  readonly approve: boolean;
  /** Ends when the replay is over and every ban has run out; else it runs until the signal. */
  readonly once: boolean;
  say(line: string): void;
}

/** Seconds a ban of the demo lasts, so that one sees it run out. */
const banSeconds = 30;

/** Runs the real guard on a bundled attack that is written line by line into a temporary folder; nothing is enforced. */
export async function demo(options: DemoOptions): Promise<void> {
  const { language, say, signal } = options;
  const directory = mkdtempSync(join(tmpdir(), "haechi-demo-"));
  const config = join(directory, "haechi.yaml");
  for (const log of ["auth.log", "access.log"]) writeFileSync(join(directory, log), "");
  writeFileSync(
    config,
    `language: ${language}\nmode: ask\ntimezone: UTC\nstate: ${join(directory, "state")}\nsources:\n  - file: ${join(directory, "auth.log")}\n  - file: ${join(directory, "access.log")}\nenforcers:\n  - dry-run: {}\nbans:\n  times: [${banSeconds}s]\nguard:\n  bansPerMinute: 200\nmetrics:\n  listen: off\n`,
  );
  say(text(language, "cli.demo.hello", { directory }));
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let guard: Guard | undefined;
  let replayed: Promise<void> = Promise.resolve();
  const approve = async (id: string): Promise<void> => {
    await pause(3_000, undefined, { signal: either }).catch(() => undefined);
    const answer = either.aborted ? undefined : await guard?.responder.approve(id, { name: "demo", via: "cli" });
    if (answer) say(answer.text);
    // What the guard refuses even now is answered too: the demo ends when nothing waits.
    if (answer?.outcome === "refused" && !either.aborted) await guard?.responder.deny(id, { name: "demo", via: "cli" });
  };
  const summary = async ({ responder, store }: Guard): Promise<void> => {
    await replay(directory, either);
    while (options.once && !either.aborted) {
      const { pending, bans } = await responder.status();
      if (bans === 0 && (pending === 0 || !options.approve)) break;
      await pause(1_000, undefined, { signal: either }).catch(() => undefined);
    }
    if (either.aborted) return;
    const cases = await store.cases({ limit: 1_000 });
    const bans = (await store.decisions({ limit: 1_000 })).filter(({ action }) => action === "ban");
    say(text(language, "cli.demo.over", { cases: cases.length, bans: bans.length }));
    if (options.once) stop.abort();
  };
  try {
    await up({
      configPath: config,
      env: options.env,
      cwd: directory,
      language,
      version: options.version,
      signal: either,
      say,
      onReady: (ready) => {
        guard = ready;
        replayed = summary(ready);
      },
      onNotice: ({ kind, proposal }) => {
        if (kind !== "proposal" || !proposal) return;
        if (options.approve) void approve(proposal.id);
        else say(text(language, "cli.demo.decide", { config, id: proposal.id }));
      },
    });
    await replayed;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes the script's lines when their time has come. */
async function replay(directory: string, signal: AbortSignal): Promise<void> {
  const started = Date.now();
  for (const { at, log, text: line } of demoScript()) {
    const wait = started + at * 1_000 - Date.now();
    if (wait > 0) await pause(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    appendFileSync(join(directory, log), `${line(new Date())}\n`);
  }
}
