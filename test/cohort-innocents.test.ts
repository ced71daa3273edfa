import { expect, test } from "vitest";
import { behaviourDetectors } from "#detectors/behaviour-detectors.ts";
import { accessLog } from "#parsers/access-log/access-log.ts";
import { detect } from "./scenarios/run.ts";

const parser = accessLog.build({ timeZone: "UTC", year: undefined, trustedProxies: [] });
const start = Date.UTC(2026, 10, 20, 9, 0, 0);
const two = (value: number): string => String(value).padStart(2, "0");
const agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1";

interface Visit {
  readonly at: number;
  readonly address: string;
  readonly request: string;
  readonly status: number;
  readonly referrer: string;
  readonly agent: string;
}

function events(visits: readonly Visit[]) {
  return visits
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, address, request, status, referrer, agent: by }, line) => {
      const time = new Date(start + at * 1_000);
      const text = `${address} - - [20/Nov/2026:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000] "${request} HTTP/1.1" ${status} 512 "${referrer}" "${by}"`;
      const record = { source: "/var/log/nginx/access.log", text, line: line + 1, offset: -1, writtenBy: time.getTime() };
      const event = parser.parse(record);
      if (!event) throw new Error(text);
      return { event, record };
    });
}

/** Sixty addresses that try a form's sign-in three times each within an hour, on a site of PHP pages. */
const botnet: readonly Visit[] = Array.from({ length: 180 }, (_, i) => ({
  at: 600 + i * 18,
  address: `${20 + (i % 60)}.${7 + (i % 13)}.9.${1 + (i % 60)}`,
  request: "POST /account/login",
  status: 401,
  referrer: "-",
  agent: "Mozilla/5.0 (Windows NT 6.1; rv:52.0) Gecko/20100101 Firefox/52.0",
}));

test("a reader of PHP pages who mistypes three times and then signs in is no member of a botnet that tries the same form", () => {
  const typist = "121.134.22.8";
  const pages = ["/ko/event.php", "/ko/notice.php", "/ko/photo/272.php", "/ko/course.php"];
  const visit: Visit[] = [
    ...pages.map((page, i) => ({ at: 2_000 + i * 20, address: typist, request: `GET ${page}`, status: 200, referrer: "https://shop.example/", agent })),
    { at: 2_100, address: typist, request: "GET /account/login", status: 200, referrer: "https://shop.example/ko/course.php", agent },
    ...[0, 1, 2].map((i) => ({
      at: 2_110 + i * 8,
      address: typist,
      request: "POST /account/login",
      status: 401,
      referrer: "https://shop.example/account/login",
      agent,
    })),
    { at: 2_140, address: typist, request: "POST /account/login", status: 302, referrer: "https://shop.example/account/login", agent },
  ];
  const signals = detect(events([...botnet, ...visit]), behaviourDetectors());
  const members = new Set(signals.flatMap((signal) => (signal.members ?? []).map(({ address }) => address)));
  expect(members.size).toBeGreaterThan(50);
  expect(members).not.toContain(typist);
});

test("a visitor who opens the sign-in page, mistypes twice and gives up is no member either", () => {
  const visitor = "121.134.22.9";
  const page = "https://shop.example/account/login";
  const visit: Visit[] = [
    { at: 2_000, address: visitor, request: "GET /account/login", status: 200, referrer: "-", agent },
    ...[0, 1].map((i) => ({ at: 2_020 + i * 15, address: visitor, request: "POST /account/login", status: 401, referrer: page, agent })),
  ];
  const signals = detect(events([...botnet, ...visit]), behaviourDetectors());
  const members = new Set(signals.flatMap((signal) => (signal.members ?? []).map(({ address }) => address)));
  expect(members.size).toBeGreaterThan(50);
  expect(members).not.toContain(visitor);
});
