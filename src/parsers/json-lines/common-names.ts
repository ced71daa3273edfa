/** Names by which programs call what an event knows; looked up in lower case, the first one present wins. */
const commonNames = {
  time: ["@timestamp", "timestamp", "time", "ts", "time_iso8601", "time_local", "datetime", "date_time", "eventtime", "event_time", "msec", "date", "t"],
  /** The peer of the connection. */
  peer: [
    "source.ip",
    "remote_addr",
    "remote_ip",
    "remoteaddr",
    "remoteip",
    "remote_address",
    "remoteaddress",
    "peer",
    "peer_ip",
    "src_ip",
    "source_ip",
    "srcip",
    "remote",
  ],
  /** What the program took for the client, perhaps from a header. */
  client: ["client.ip", "client_ip", "clientip", "client_addr", "client_address", "ip", "ip_address", "ipaddress", "ip_addr", "addr", "client"],
  port: ["source.port", "remote_port", "client_port", "src_port", "source_port"],
  forwardedFor: ["x_forwarded_for", "http_x_forwarded_for", "x-forwarded-for", "xff", "forwarded_for"],
  request: ["request", "request_line"],
  method: ["http.request.method", "method", "request_method", "http_method", "verb", "http.method", "request.method", "req.method"],
  target: ["url.original", "request_uri", "uri", "url", "request_url", "request.uri", "request.url", "req.url", "http.url", "http.target"],
  path: ["url.path", "path", "request_path", "pathname", "request.path", "http.path"],
  query: ["url.query", "query_string", "querystring", "query", "args"],
  protocol: ["http.version", "protocol", "server_protocol", "proto", "http_version"],
  status: [
    "http.response.status_code",
    "status",
    "status_code",
    "statuscode",
    "response_status",
    "http_status",
    "response_code",
    "response.status",
    "res.statuscode",
    "http.status_code",
  ],
  bytes: ["http.response.body.bytes", "body_bytes_sent", "bytes_sent", "bytes", "size", "response_size", "content_length"],
  referrer: ["http.request.referrer", "http_referer", "http_referrer", "referer", "referrer"],
  agent: ["user_agent.original", "user_agent", "http_user_agent", "useragent", "user-agent", "agent", "ua"],
  domain: ["url.domain", "vhost", "virtual_host", "server_name", "http_host"],
  host: ["host.name", "hostname", "host"],
  user: ["user.name", "user", "username", "user_name", "remote_user", "login", "account"],
  level: ["log.level", "level", "severity", "lvl", "loglevel", "log_level", "levelname"],
  message: ["message", "msg"],
  program: ["process.name", "program", "process", "app_name", "appname", "ident"],
  pid: ["process.pid", "pid"],
  action: ["event.action", "event", "event_type", "event_name"],
  outcome: ["event.outcome", "outcome"],
  seconds: ["request_time", "duration_seconds", "elapsed_seconds", "duration_s"],
  milliseconds: ["duration_ms", "latency_ms", "elapsed_ms", "response_time_ms", "took_ms", "responsetime"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type CommonName = keyof typeof commonNames;

/** Meaning and rank of each name. */
export const meaningOfName: ReadonlyMap<string, { readonly meaning: CommonName; readonly rank: number }> = new Map(
  Object.entries(commonNames).flatMap(([meaning, names]) => names.map((name, rank) => [name, { meaning: meaning as CommonName, rank }] as const)),
);
