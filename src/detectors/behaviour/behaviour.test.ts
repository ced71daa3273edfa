import * as fc from "fast-check";
import { expect, test } from "vitest";
import { behaviourReader, networkText, signInTrace, sourceText, webRequest } from "./behaviour.ts";
import { eventClock } from "./event-clock.ts";
import { memo } from "./memo.ts";
import { attackClasses, pathFacts, pathFactsMemo } from "./path-facts.ts";
import { sourceTable } from "./source-table.ts";

test("the source table agrees with a map in order of use, through evictions and snapshots", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 40 })), { maxLength: 400 }),
      fc.integer({ min: 1, max: 30 }),
      (keys, cap) => {
        let table = sourceTable(cap);
        let group = table.group();
        let column = group.column("u32");
        const model = new Map<string, number>();
        keys.forEach(([high, low], i) => {
          if (i === 150) {
            const state = structuredClone(group.snapshot());
            table = sourceTable(cap);
            group = table.group();
            column = group.column("u32");
            group.restore(state);
          }
          const key = `${high}/${low}`;
          const slot = table.touch(high, low);
          const before = model.get(key);
          expect(table.fresh).toBe(before === undefined);
          expect(column.data[slot]).toBe(before ?? 0);
          column.data[slot] = (before ?? 0) + 1;
          model.delete(key);
          model.set(key, (before ?? 0) + 1);
          if (model.size > cap) for (const [oldest] of model) if (model.delete(oldest)) break;
          expect(table.size).toBe(model.size);
        });
      },
    ),
  );
});

test("groups of a table are restored from one moment, never from two", () => {
  const build = () => {
    const table = sourceTable(4);
    const groups = [table.group(), table.group()] as const;
    return { table, groups, columns: groups.map((group) => group.column("f64")) };
  };
  const from = build();
  const early = (from.table.touch(1, 2), from.groups[1].snapshot());
  from.columns.forEach((column, i) => (column.data[from.table.touch(1, 3)] = i + 7));
  const late = from.groups.map((group) => group.snapshot());
  const to = build();
  to.groups[0].restore(late[0] as (typeof late)[0]);
  expect(() => to.groups[1].restore(early)).toThrow(RangeError);
  to.groups[1].restore(late[1] as (typeof late)[1]);
  expect(to.columns.map((column) => column.data[to.table.touch(1, 3)])).toEqual([7, 8]);
  expect(to.table.fresh).toBe(false);
});

test("one wrong time moves nothing; three that agree do", () => {
  const clock = eventClock();
  const start = 1.78e12;
  expect(clock.advance(start)).toBe(start);
  expect(clock.advance(start + 1e11)).toBe(start);
  expect(clock.advance(start + 5_000)).toBe(start + 5_000);
  expect(clock.advance(start - 60_000)).toBe(start + 5_000);
  const back = start - 864e5;
  clock.advance(back);
  clock.advance(back + 1_000);
  expect(clock.advance(back + 2_000)).toBe(back + 2_000);
});

test.each([
  ["/.env", "secret"],
  ["/app/.git/config", "secret"],
  ["/cgi-bin/luci", "exploit"],
  ["/static/..%2f..%2fetc/passwd", "traversal"],
  ["/dump.sql", "backup"],
  ["/wp-login.php", "cms"],
  ["/phpmyadmin/", "panel"],
  ["/x.php", "script"],
  ["/.well-known/acme-challenge/abc", undefined],
  ["/wp-content/themes/nice/style.css", undefined],
  ["/blog/how-to-write-a-shell-script", undefined],
  ["/actuator/health", undefined],
  ["/favicon.ico", undefined],
  ["/api/v1/orders/17", undefined],
  ["/%EC%86%8C%EA%B0%9C", undefined],
])("%s is %s", (path, kind) => {
  expect(attackClasses[pathFacts(path).attack]).toBe(kind);
});

test("sign-in paths are those of sign-ins, not of sessions that go on", () => {
  for (const path of ["/login", "/users/sign_in", "/api/v1/auth/login", "/wp-login.php", "/signin", "/user/login.do", "/sessions"])
    expect([path, pathFacts(path).login]).toEqual([path, true]);
  for (const path of ["/api/auth/refresh", "/logout", "/blog/login-tips-explained", "/catalogin", "/auth/callback", "/api/auth/me"])
    expect([path, pathFacts(path).login]).toEqual([path, path.startsWith("/blog")]);
});

test("numbers, hexadecimal runs and UUIDs fold into one shape", () => {
  expect(pathFacts("/item/17").shape).toBe(pathFacts("/item/9000").shape);
  expect(pathFacts("/f/3f2b8c9d-1a2b-4c3d-8e9f-0123456789ab").shape).toBe("/f/{uuid}");
  expect(pathFacts("/a/0123abcd99.js").shape).toBe("/a/{hex}.js");
});

test("an event becomes numbers once; IPv6 counts per /64", () => {
  const { read } = behaviourReader();
  const web = read({
    "@timestamp": 1,
    "event.action": "http_request",
    "source.ip": "2a03:4000:6:d06::1",
    "url.path": "/login",
    "http.request.method": "POST",
    "http.response.status_code": 401,
  });
  expect([web.kind, web.webLogin, web.failure]).toEqual([webRequest, true, true]);
  expect(sourceText(web.high, web.low)).toBe("2a03:4000:6:d06::/64");
  expect(networkText(web.high, web.low)).toBe("2a03:4000:6::/48");
  const ssh = read({ "@timestamp": 1, "event.action": "ssh_invalid_user", "event.outcome": "failure", "source.ip": "45.9.20.31", "user.name": "oracle" });
  expect([ssh.kind, sourceText(ssh.high, ssh.low), networkText(ssh.high, ssh.low)]).toEqual([signInTrace, "45.9.20.31", "45.9.20.0/24"]);
});

test("a memo gives what its function gives, whatever it has forgotten", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("a", "b", "/login", "/login2")), { maxLength: 300 }), (keys) => {
      const recall = memo(2, (key) => `${key}!`);
      for (const key of keys) expect(recall(key)).toBe(`${key}!`);
    }),
  );
});

test("facts of a folded path are the facts of the path", () => {
  const segment = fc.oneof(
    fc.integer({ min: 0, max: 99_999_999_999 }).map(String),
    fc.constantFrom(
      "level",
      "15",
      "wp",
      "wp2",
      "v2",
      "_catalog",
      "item",
      "API",
      "login",
      "c99.php",
      "backup123.zip",
      "..",
      ".env",
      "a.css",
      "0123456789abcdef",
      "x".repeat(90),
    ),
  );
  const recall = pathFactsMemo();
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), fc.boolean(), (segments, end) => {
      const path = `/${segments.join("/")}${end ? "/" : ""}`;
      expect(recall(path)).toEqual(pathFacts(path));
    }),
    { numRuns: 2_000 },
  );
});
