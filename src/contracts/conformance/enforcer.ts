import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { HaechiError } from "#core/error.ts";

/** One enforcer with the system it enforces on, fresh for each test. */
export interface EnforcerTrial {
  readonly enforcer: Enforcer;
  /** Deletes the enforcer's rules behind its back. */
  readonly loseRules?: () => Promise<void>;
  /** Puts a rule of somebody else into the system; the result tells whether it is still there. */
  readonly plantForeign?: () => Promise<() => Promise<boolean>>;
  /** Makes the system unreachable. */
  readonly breakSystem?: () => Promise<void>;
  /** Ends everything, also after `breakSystem`. */
  close(): Promise<void>;
}

/** Why a part of the suite does not apply to an enforcer; printed with the skipped test. */
export interface EnforcerConformance {
  readonly skip?: Partial<Record<"lose" | "foreign" | "break", string>>;
}

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const hour = 3_600_000;
const ban = (target: string, milliseconds: number): Ban => ({ target, until: Date.now() + milliseconds, decision: `d-${target}`, reason: `test of ${target}` });
const some = (): Ban[] => [ban("45.9.21.31", hour), ban("103.77.4.0/24", 2 * hour), ban("2a03:4000:7:d06::1", hour), ban("2a03:4000:8:d06::/64", 3 * hour)];
const targets = async (enforcer: Enforcer): Promise<string[]> => (await enforcer.list(signal())).map((one) => one.target).toSorted();

/** The suite that every enforcer passes. `open` gives a fresh trial; bans of it must go with `close`. */
export function enforcerConformance(name: string, open: () => Promise<EnforcerTrial>, options: EnforcerConformance = {}): void {
  describe(`${name} keeps the enforcer contract`, () => {
    let trial: EnforcerTrial;
    let enforcer: Enforcer;
    beforeEach(async () => {
      trial = await open();
      enforcer = trial.enforcer;
    });
    afterEach(() => trial.close());

    /** Runs `body`, or prints why this enforcer has no such part. */
    const part = (key: "lose" | "foreign" | "break", title: string, body: () => Promise<void>): void => {
      const why = options.skip?.[key];
      if (why === undefined) test(title, body);
      else {
        console.info(`skipped: ${name}: ${title}: ${why}`);
        test.skip(`${title} (${why})`, body);
      }
    };

    test("holds addresses and networks of both families and lists them with their decision and end", async () => {
      const desired = some();
      expect(await enforcer.sync(desired, signal())).toEqual({ added: 4, removed: 0, kept: 0, failed: [] });
      const listed = await enforcer.list(signal());
      expect(listed.map((one) => one.target).toSorted()).toEqual(desired.map((one) => one.target).toSorted());
      for (const wanted of desired) {
        const found = listed.find((one) => one.target === wanted.target);
        expect(found?.decision).toBe(wanted.decision);
        expect(found?.reason).toBe(wanted.reason);
        expect(Math.abs((found?.until ?? 0) - wanted.until)).toBeLessThan(5_000);
      }
    });

    test("does nothing the second time", async () => {
      const desired = some();
      await enforcer.sync(desired, signal());
      expect(await enforcer.sync(desired, signal())).toEqual({ added: 0, removed: 0, kept: 4, failed: [] });
      expect(await targets(enforcer)).toEqual(desired.map((one) => one.target).toSorted());
    });

    test("releases what is no longer wanted and keeps the rest", async () => {
      const desired = some();
      await enforcer.sync(desired, signal());
      const report = await enforcer.sync([...desired.slice(1), ban("185.220.101.4", hour)], signal());
      expect(report).toEqual({ added: 1, removed: 1, kept: 3, failed: [] });
      expect(await targets(enforcer)).toEqual([...desired.slice(1).map((one) => one.target), "185.220.101.4"].toSorted());
      expect(await enforcer.sync([], signal())).toEqual({ added: 0, removed: 4, kept: 0, failed: [] });
      expect(await targets(enforcer)).toEqual([]);
    });

    test("takes nested networks, doubles and bans that ended", async () => {
      const desired = [
        ban("103.77.4.9", 3 * hour),
        ban("103.77.4.0/24", hour),
        ban("103.77.4.7", hour / 2),
        ban("103.77.4.9", hour),
        ban("185.220.101.4", -hour),
      ];
      const report = await enforcer.sync(desired, signal());
      expect(report.failed).toEqual([]);
      expect(report.added).toBe(3);
      expect(await targets(enforcer)).toEqual(["103.77.4.0/24", "103.77.4.7", "103.77.4.9"]);
      const again = await enforcer.sync(desired, signal());
      expect(again).toEqual({ added: 0, removed: 0, kept: 3, failed: [] });
    });

    test("moves the end of a ban, later and earlier", async () => {
      for (const end of [hour, 4 * hour, hour / 2]) {
        const wanted = ban("45.9.21.31", end);
        expect((await enforcer.sync([wanted], signal())).failed).toEqual([]);
        const listed = await enforcer.list(signal());
        expect(listed.map((one) => one.target)).toEqual(["45.9.21.31"]);
        expect(Math.abs((listed[0]?.until ?? 0) - wanted.until)).toBeLessThan(5_000);
      }
    });

    test("lets a ban end on time by itself", async () => {
      await enforcer.sync([ban("45.9.21.31", 2_000), ban("103.77.4.0/24", hour)], signal());
      expect(await targets(enforcer)).toEqual(["103.77.4.0/24", "45.9.21.31"]);
      await delay(3_500);
      expect(await targets(enforcer)).toEqual(["103.77.4.0/24"]);
    });

    test("flushes everything of ours, also when there is nothing", async () => {
      await enforcer.flush(signal());
      await enforcer.sync(some(), signal());
      await enforcer.flush(signal());
      expect(await targets(enforcer)).toEqual([]);
      await enforcer.flush(signal());
    });

    test("stops for an aborted signal", async () => {
      await expect(enforcer.sync(some(), AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    });

    part("lose", "heals after its rules were deleted by hand", async () => {
      const desired = some();
      await enforcer.sync(desired, signal());
      await trial.loseRules?.();
      const report = await enforcer.sync(desired, signal());
      expect(report).toMatchObject({ added: 4, failed: [] });
      expect(await targets(enforcer)).toEqual(desired.map((one) => one.target).toSorted());
    });

    part("foreign", "touches only its own rules", async () => {
      const stillThere = await trial.plantForeign?.();
      await enforcer.sync(some(), signal());
      expect(await stillThere?.()).toBe(true);
      expect((await targets(enforcer)).length).toBe(4);
      await enforcer.sync([], signal());
      expect(await stillThere?.()).toBe(true);
      await enforcer.flush(signal());
      expect(await stillThere?.()).toBe(true);
    });

    part("break", "says in words that the system cannot be reached", async () => {
      await enforcer.sync(some(), signal());
      await trial.breakSystem?.();
      for (const attempt of [enforcer.sync([ban("185.220.101.4", hour)], signal()), enforcer.list(signal()), enforcer.flush(signal())]) {
        const error: unknown = await attempt.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(HaechiError);
        expect((error as HaechiError).message).not.toContain("{");
      }
    });
  });
}
