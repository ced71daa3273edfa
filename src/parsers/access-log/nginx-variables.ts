import { timeFormat } from "../time-format.ts";
import { clfField, durationField, extraField, numberField, secretField, textField, timeField, type FieldMeaning } from "./format-fields.ts";

/**
 * Meaning of a variable of nginx's log_format; one that is not known becomes `labels.<name>`.
 * https://nginx.org/en/docs/varindex.html
 */
export function nginxVariable(name: string, timeZone: string): FieldMeaning {
  switch (name) {
    case "remote_addr":
      return textField("peer", "word", { address: true });
    case "binary_remote_addr":
      return secretField;
    case "realip_remote_addr":
      return textField("via", "word", { address: true });
    case "remote_port":
      return numberField("port");
    case "remote_user":
      return textField("user", "free");
    case "time_local":
      return clfField(timeFormat("clf", timeZone));
    case "time_iso8601":
      return timeField(timeFormat("iso8601", timeZone), 25);
    case "msec":
      return timeField(timeFormat("epoch", timeZone));
    case "request":
      return textField("request", "free");
    case "request_method":
      return textField("method", "word");
    case "request_uri":
      return textField("target", "free", { slash: true });
    case "uri":
    case "document_uri":
      return textField("path", "free", { slash: true });
    case "args":
    case "query_string":
      return textField("query", "free");
    case "server_protocol":
      return textField("protocol", "word");
    case "scheme":
      return extraField("url.scheme", "word");
    case "status":
      return numberField("status");
    case "body_bytes_sent":
      return numberField("bytes");
    case "bytes_sent":
      return extraField("http.response.bytes", "word", true);
    case "request_length":
      return extraField("http.request.bytes", "word", true);
    case "request_time":
      return durationField(1e9);
    case "request_id":
      return extraField("http.request.id", "word");
    case "http_referer":
      return textField("referrer", "free");
    case "http_user_agent":
      return textField("agent", "free");
    case "http_x_forwarded_for":
      return textField("forwardedFor", "free");
    case "http_forwarded":
      return textField("forwarded", "free");
    case "http_cf_connecting_ip":
    case "http_true_client_ip":
      return textField("connecting", "free");
    case "http_x_real_ip":
      return textField("realIp", "free");
    case "http_cookie":
    case "http_authorization":
      return secretField;
    case "host":
      return textField("host", "word");
    case "http_host":
      return textField("host", "free");
    case "server_name":
      return extraField("server.domain", "word");
    case "server_addr":
      return extraField("destination.ip", "word");
    case "server_port":
      return extraField("destination.port", "word", true);
    case "hostname":
      return extraField("host.name", "word");
    case "pid":
      return extraField("process.pid", "word", true);
    case "ssl_protocol":
      return extraField("tls.version", "word");
    case "ssl_cipher":
      return extraField("tls.cipher", "word");
    case "ssl_server_name":
      return extraField("tls.client.server_name", "word");
    case "content_type":
      return extraField("http.request.mime_type", "free");
    default:
      break;
  }
  if (name.startsWith("cookie_")) return secretField;
  if (name.startsWith("upstream_http_") || name.startsWith("upstream_cookie_")) return extraField(`labels.${name}`, "free");
  if (name.startsWith("upstream_")) return extraField(`haechi.upstream.${name.slice(9)}`, "list", true);
  if (/^(?:connection|connection_requests|pipe|gzip_ratio|request_completion|https|nginx_version|geoip2?_.*country_code|ssl_session_reused)$/.test(name))
    return extraField(`labels.${name}`, "word", true);
  return extraField(`labels.${name}`, "free");
}
