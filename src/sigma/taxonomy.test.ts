import { describe, expect, test } from "vitest";
import { loadRules } from "./load.ts";
import { fieldMapping, logsourceMatches } from "./taxonomy.ts";

const source = (parts: { category?: string; product?: string; service?: string }) => ({
  category: undefined,
  product: undefined,
  service: undefined,
  definition: undefined,
  ...parts,
});
const web = { "event.category": "web", "event.action": "http_request", "event.dataset": "nginx.access", "url.path": "/a" };
const ssh = { "event.category": "authentication", "event.action": "ssh_login", "event.dataset": "syslog.auth", "process.name": "sshd" };
const sudo = { "event.category": "process", "event.action": "sudo_command", "event.dataset": "syslog.auth", "process.name": "sudo" };
const block = { "event.category": "network", "event.action": "firewall_block", "process.name": "kernel" };

describe("fieldMapping", () => {
  const of = (parts: Parameters<typeof source>[0], field: string) => fieldMapping(source(parts))(field);
  test("maps by log source alone", () => {
    expect(of({ category: "webserver" }, "c-ip")).toEqual(["source.ip"]);
    expect(of({ category: "proxy" }, "c-useragent")).toEqual(["user_agent.original"]);
    expect(of({ product: "nginx" }, "sc-status")).toEqual(["http.response.status_code"]);
    expect(of({ category: "webserver" }, "cs-uri-query")[0]).toBe("url.query");
    expect(of({ category: "firewall" }, "dst_port")).toEqual(["destination.port"]);
    expect(of({ product: "linux", service: "sudo" }, "USER")).toEqual(["user.effective.name"]);
    expect(of({ product: "windows" }, "c-ip")).toEqual(["c-ip"]);
    expect(of({ category: "webserver" }, "toString")).toEqual(["toString"]);
    expect(of({ category: "webserver" }, "url.path")).toEqual(["url.path"]);
  });
  test("a rule of the public taxonomy finds our events, correlations too", () => {
    const text = [
      "title: t\nid: r\nname: probe\nlogsource: {category: webserver}\ndetection:\n  sel:\n    cs-method: GET\n    cs-uri-query|contains: '/etc/passwd'\n    sc-status: [200, 404]\n  quiet:\n    cs-referer: null\n  condition: sel and quiet\n",
      "title: c\nid: c\ncorrelation: {type: value_count, rules: [probe], group-by: [c-ip], timespan: 1m, condition: {field: cs-uri-stem, gte: 2}}\n",
    ].join("---\n");
    const set = loadRules([{ path: "a", text }], { mapFields: true });
    expect(set.faults).toEqual([]);
    const event = {
      "http.request.method": "GET",
      "url.original": "/x?f=/etc/passwd",
      "url.query": "f=/etc/passwd",
      "http.response.status_code": 404,
      "source.ip": "45.9.20.31",
    };
    expect(set.rules[0]?.matches(event)).toBe(true);
    expect(set.rules[0]?.matches({ ...event, "url.query": undefined, "url.original": "/../etc/passwd" })).toBe(true);
    expect(set.rules[0]?.matches({ ...event, "http.request.referrer": "https://a" })).toBe(false);
    const run = set.correlations[0]?.correlator({ maxKeys: 10, lateTolerance: 0 });
    expect(run?.observe("r", { ...event, "url.path": "/x" }, 0, 1)).toBeUndefined();
    expect(run?.observe("probe", { ...event, "url.path": "/y" }, 1, 1)?.group).toEqual({ "c-ip": "45.9.20.31" });
  });
});

describe("logsourceMatches", () => {
  test.each<[Parameters<typeof source>[0], readonly boolean[]]>([
    [{ category: "webserver" }, [true, false, false, false]],
    [{ category: "proxy" }, [true, false, false, false]],
    [{ product: "nginx" }, [true, false, false, false]],
    [{ product: "apache" }, [false, false, false, false]],
    [{ service: "nginx" }, [true, false, false, false]],
    [{ product: "linux" }, [false, true, true, true]],
    [{ product: "linux", service: "sshd" }, [false, true, false, false]],
    [{ product: "linux", service: "auth" }, [false, true, true, false]],
    [{ product: "linux", service: "sudo" }, [false, false, true, false]],
    [{ product: "linux", service: "vsftpd" }, [false, false, false, false]],
    [{ product: "linux", category: "process_creation" }, [false, false, true, false]],
    [{ category: "firewall" }, [false, false, false, true]],
    [{ category: "authentication" }, [false, true, false, false]],
    [{ product: "windows", service: "security" }, [false, false, false, false]],
    [{ product: "windows", category: "process_creation" }, [false, false, false, false]],
    [{ product: "haechi" }, [true, true, true, true]],
  ])("%j", (parts, expected) => {
    expect([web, ssh, sudo, block].map((event) => logsourceMatches(source(parts), event))).toEqual(expected);
  });
});
