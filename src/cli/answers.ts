import type { AnswersResult } from "#app/guard-methods.ts";
import type { CommandContext } from "./command.ts";

/** Prints what came of answering proposals; 0 when all came out as wanted, else 1. */
export async function answersOut({ answers }: AnswersResult, wanted: "approved" | "denied", context: CommandContext): Promise<number> {
  if (context.options["json"] === true) await context.out(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
  else for (const { text } of answers) await context.out(`${text}\n`);
  return answers.every(({ outcome }) => outcome === wanted) ? 0 : 1;
}
