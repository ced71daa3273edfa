import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParserContext } from "#contracts/parser.ts";
import type { LogEvent } from "#core/event.ts";
import { ParserError } from "../parser-error.ts";
import { logFormat } from "./log-format.ts";

const context: ParserContext = { timeZone: "Asia/Seoul", year: undefined, trustedProxies: ["10.0.0.0/8"] };
const parse = (format: string, text: string): LogEvent | undefined =>
  logFormat(format, context).parse({ source: "", text, line: 1, offset: 0, writtenBy: Date.UTC(2025, 9, 11) });
const clf = "10/Oct/2025:13:55:36 +0000";

describe("logFormat", () => {
  it("reads a whole nginx directive with a proxy in front", () => {
    const format = `log_format main '$remote_addr - $remote_user [$time_local] "$request" '
      '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" '
      'rt=$request_time up=$upstream_addr urt=$upstream_response_time host=$host id=$request_id tls=$ssl_protocol/$ssl_cipher x="$geoip_city"';`;
    const line = `10.0.0.5 - - [${clf}] "GET /a?b=%41 HTTP/2.0" 502 0 "-" "x" "8.8.8.8, 45.9.20.31" rt=1.250 up=10.1.0.1:80, 10.1.0.2:80 : 10.1.0.3:80 urt=0.1, 0.2 : 0.3 host=example.com id=abc tls=TLSv1.3/TLS_AES_256_GCM_SHA384 x="Seoul"`;
    expect(parse(format, line)).toMatchObject({
      "@timestamp": Date.UTC(2025, 9, 10, 13, 55, 36),
      "event.module": "access-log",
      "source.ip": "45.9.20.31",
      "haechi.proxy.ip": "10.0.0.5",
      "event.duration": 1_250_000_000,
      "haechi.upstream.addr": "10.1.0.1:80, 10.1.0.2:80 : 10.1.0.3:80",
      "haechi.upstream.response_time": "0.1, 0.2 : 0.3",
      "url.domain": "example.com",
      "http.request.id": "abc",
      "tls.version": "TLSv1.3",
      "tls.cipher": "TLS_AES_256_GCM_SHA384",
      "labels.geoip_city": "Seoul",
      "haechi.url.decoded": "/a?b=A",
    });
  });

  it("reads escape=json", () => {
    const format = `log_format j escape=json '{"t":"$time_iso8601","ip":"$remote_addr","r":"$request","s":$status,"ua":"$http_user_agent","u":"$remote_user"}';`;
    const agent = 'a","ip":"8.8.8.8 \\ \n';
    const line = `{"t":"2025-10-10T22:55:36+09:00","ip":"45.9.20.31","r":"GET /x HTTP/1.1","s":404,"ua":${JSON.stringify(agent)},"u":""}`;
    expect(parse(format, line)).toMatchObject({ "@timestamp": Date.UTC(2025, 9, 10, 13, 55, 36), "source.ip": "45.9.20.31", "user_agent.original": agent });
    expect(parse(format, line)?.["user.name"]).toBeUndefined();
  });

  it("reads Apache directives, quoted as in httpd.conf or bare", () => {
    for (const format of [
      'LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D" vhost',
      '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D',
      '%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\" %D',
    ]) {
      expect(parse(format, `example.com:443 45.9.20.31 - "" [${clf}] "GET /\\"x HTTP/1.1" 200 12 "-" "x" 1234`)).toMatchObject({
        "source.ip": "45.9.20.31",
        "url.domain": "example.com",
        "url.path": '/"x',
        "event.duration": 1_234_000,
        "event.dataset": "apache.access",
        "user.name": undefined,
        "destination.port": 443,
      });
    }
    expect(
      parse('%a %{%Y-%m-%d %H:%M:%S}t "%m %U%q %H" %>s %{X-Forwarded-For}i', '10.0.0.1 2025-10-10 22:55:36 "GET /a?b HTTP/1.1" 403 45.9.20.31'),
    ).toMatchObject({
      "@timestamp": Date.UTC(2025, 9, 10, 13, 55, 36),
      "url.original": "/a?b",
      "url.query": "b",
      "source.ip": "45.9.20.31",
    });
  });

  it("joins what nginx writes without a gap", () => {
    expect(
      parse(
        '$remote_addr $msec "$request_method $scheme://$host$request_uri $server_protocol"',
        '45.9.20.31 1760104536.123 "GET https://e.com/a b?c HTTP/2.0"',
      ),
    ).toMatchObject({
      "@timestamp": 1_760_104_536_123,
      "url.domain": "e.com",
      "url.original": "/a b?c",
      "url.scheme": "https",
    });
    expect(parse("$remote_addr $status $uri$is_args$args", "45.9.20.31 200 /a?b=c")).toMatchObject({ "url.path": "/a", "url.query": "b=c" });
  });

  it("takes no address where a client can make the line read in two ways", () => {
    const format = "$http_host $remote_addr - $remote_user [$time_local] $status";
    expect(parse(format, `example.com 45.9.20.31 - bob [${clf}] 200`)?.["source.ip"]).toBe("45.9.20.31");
    const forged = parse(format, `x 8.8.8.8 - y 45.9.20.31 - - [${clf}] 200`);
    expect(forged).toBeDefined();
    expect(forged?.["source.ip"]).toBeUndefined();
  });

  it("the real peer behind real_ip is told, too", () => {
    expect(parse("$remote_addr $realip_remote_addr [$time_local] $status", `45.9.20.31 104.16.0.1 [${clf}] 200`)).toMatchObject({
      "source.ip": "45.9.20.31",
      "haechi.proxy.ip": "104.16.0.1",
    });
  });

  it.each([
    ["", "names no variable"],
    ["abc", "names no variable"],
    ["$remote_addr $status$body_bytes_sent", "character 21"],
    ["%h %l %y", "character 7: %y"],
    ["log_format main '$remote_addr", "character 17"],
    ["$a ".repeat(5_000), "8192"],
    ["%h %{%Q}t", "%Q"],
  ])("refuses %j and says where", (format, words) => {
    expect(() => logFormat(format, context)).toThrow(ParserError);
    expect(() => logFormat(format, context)).toThrow(words);
  });

  it("never throws on a line, and gives nothing for lines of other formats", () => {
    const formats = [
      '$remote_addr - $remote_user [$time_local] "$request" $status $upstream_addr $http_x',
      '%h %l %u %t \\"%r\\" %>s',
      "$time_iso8601 $remote_addr",
      "$http_a $remote_addr $http_b",
    ].map((format) => logFormat(format, context));
    const noise = fc
      .array(fc.constantFrom('"', "\\", "[", "] ", " ", " - ", ", ", " : ", clf, "45.9.20.31", "GET / HTTP/1.1", "x"), { maxLength: 30 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(noise, fc.string()), (text) => {
        for (const format of formats) format.parse({ source: "", text, line: 1, offset: 0, writtenBy: 0 });
      }),
    );
    for (const fill of ['"', "\\", "[", " - ", ", ", " : ", '] "', " "]) {
      for (const format of formats) {
        const start = performance.now();
        format.parse({ source: "", text: `45.9.20.31 - ${fill.repeat(100_000 / fill.length)} [${clf}] "`, line: 1, offset: 0, writtenBy: 0 });
        expect(performance.now() - start).toBeLessThan(250);
      }
    }
  });
});
