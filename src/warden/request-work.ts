import { networkInterfaces } from "node:os";
import { parseCidr, type Cidr } from "#core/ip.ts";
import { checkWardenTarget, wardenLimits, type WardenBlocked, type WardenRequest, type WardenResults, type WidestNetwork } from "#core/warden-message.ts";
import type { CheckedBan, WardenBackend } from "./backend.ts";
import { killConnections, killPeersOf } from "./connections.ts";
import { WardenError } from "./warden-error.ts";

/** Runs requests one after the other; what waits is bounded. */
export interface RequestWork {
  answer(request: WardenRequest): Promise<unknown>;
  /** Runs `task` in turn. */
  turn<T>(task: () => Promise<T>): Promise<T>;
  idle(): Promise<void>;
}

/** Work on `backend`; targets are checked against `widest` and this machine's addresses. */
export function requestWork(backend: WardenBackend, widest: WidestNetwork): RequestWork {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const turn = async <T>(task: () => Promise<T>): Promise<T> => {
    if (waiting >= wardenLimits.waiting) throw new WardenError("warden-busy", "enforce.wardenBusy", { waiting });
    waiting++;
    const mine = last.then(task).finally(() => waiting--);
    last = mine.catch(() => {});
    return mine;
  };
  return {
    turn,
    answer: (request) => turn(() => perform(request, backend, widest)),
    async idle() {
      await last;
    },
  };
}

async function perform(request: WardenRequest, backend: WardenBackend, widest: WidestNetwork): Promise<WardenResults[WardenRequest["do"]]> {
  switch (request.do) {
    case "block":
      return block(request.bans, request.only, backend, widest);
    case "release": {
      const targets = request.targets.flatMap((target) => parseCidr(target) ?? []);
      return { released: await backend.release(targets) };
    }
    case "list":
      return { bans: await backend.list() };
    case "flush":
      await backend.flush();
      return {};
    case "hits":
      return { hits: await backend.hits() };
    case "kill": {
      const cidr = checkWardenTarget(request.target, ownAddresses(), widest);
      return { killed: typeof cidr === "string" ? 0 : await killConnections(cidr) };
    }
  }
}

async function block(
  asked: readonly { target: string; until: number }[],
  only: boolean,
  backend: WardenBackend,
  widest: WidestNetwork,
): Promise<WardenBlocked> {
  const own = ownAddresses();
  const now = Date.now();
  const bans: CheckedBan[] = [];
  const failed: WardenBlocked["failed"][number][] = [];
  for (const { target, until } of asked) {
    if (until <= now) continue;
    const cidr = checkWardenTarget(target, own, widest);
    if (typeof cidr === "string") failed.push({ target, why: cidr });
    else bans.push({ target, until, cidr });
  }
  const done = await backend.block(bans, only);
  // After the rules, so that a connection that was ended cannot come back.
  const killed = await killPeersOf(done.added.map((ban) => ban.cidr));
  return { added: done.added.length, removed: done.removed, kept: done.kept, killed, failed: [...failed, ...done.failed] };
}

/** Addresses of this machine's interfaces in this network namespace, now. */
function ownAddresses(): Cidr[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).flatMap((one) => parseCidr(one.address) ?? []));
}
