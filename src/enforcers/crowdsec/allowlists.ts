import { asList, isRecord, unexpectedAnswer, type LapiMachine } from "./lapi.ts";

/** Targets in one request of the newer, and requests at once of the older way to ask. */
const batch = 500;
const parallel = 8;

/**
 * Which targets are on the server's allow lists, with the lists' names. An alert that brings its own decisions is not
 * held against those lists by the server, so it is asked first. Newest way first: `POST /v1/allowlists/check` takes many,
 * `GET /v1/allowlists/check/ADDRESS` (since 1.6.5) one; both answer 404 on servers without allow lists.
 */
export async function allowlisted(machine: LapiMachine, targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let i = 0; i < targets.length; i += batch) {
    const answer = await machine.ask("POST", "/allowlists/check", { targets: targets.slice(i, i + batch) }, signal);
    if (answer.status === 404 || answer.status === 405) return oneByOne(machine, targets, signal);
    if (answer.status !== 200 || !isRecord(answer.body)) throw unexpectedAnswer("POST /v1/allowlists/check", answer);
    for (const result of asList(answer.body["results"])) {
      if (isRecord(result) && typeof result["target"] === "string") found.set(result["target"], asList(result["allowlists"]).map(String).join(", "));
    }
  }
  return found;
}

async function oneByOne(machine: LapiMachine, targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  // A server may know the path for addresses and not for networks (the slash), so addresses tell whether it has lists.
  const sorted = targets.toSorted((a, b) => Number(a.includes("/")) - Number(b.includes("/")));
  let known = true;
  const ask = async (target: string): Promise<void> => {
    const answer = await machine.ask("GET", `/allowlists/check/${target}`, undefined, signal);
    if (answer.status === 404) {
      if (!target.includes("/")) known = false;
      return;
    }
    if (answer.status !== 200 || !isRecord(answer.body)) throw unexpectedAnswer("GET /v1/allowlists/check", answer);
    const { allowlisted: listed, reason } = answer.body;
    if (listed === true) found.set(target, typeof reason === "string" ? reason : "");
  };
  const rest = sorted.values();
  const first = rest.next();
  if (!first.done) await ask(first.value);
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const target of rest) {
        if (!known) return;
        await ask(target);
      }
    }),
  );
  return found;
}
