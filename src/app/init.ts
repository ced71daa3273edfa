import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Language } from "#core/text/text.ts";
import { guardUnit, wardenUnit } from "./units.ts";

/** A file that `init` wrote or left alone. */
export interface InitResult {
  readonly path: string;
  readonly written: boolean;
}

/** Writes `haechi.yaml` and the two systemd units into `directory`; files that exist stay unless `force`. `program` is the path of `bin/haechi`. */
export function init(directory: string, program: string, language: Language, force: boolean): readonly InitResult[] {
  mkdirSync(directory, { recursive: true });
  const files: readonly (readonly [string, string])[] = [
    ["haechi.yaml", configText(language)],
    ["haechi.service", guardUnit(program)],
    ["haechi-warden.service", wardenUnit(program)],
  ];
  return files.map(([name, content]) => {
    const path = join(directory, name);
    if (existsSync(path) && !force) return { path, written: false };
    writeFileSync(path, content, { mode: 0o640 });
    return { path, written: true };
  });
}

interface Entry {
  readonly yaml: string;
  readonly en: string;
  readonly ko: string;
}

/** Every setting with its default, so that the file as written changes nothing; what has no default is commented out. */
const entries: readonly Entry[] = [
  {
    yaml: "language: auto",
    en: "Language of everything people read: auto (from LANG), en, ko.",
    ko: "사람이 읽는 모든 문구의 언어: auto(LANG에 따름), en, ko.",
  },
  {
    yaml: "mode: ask",
    en: "watch: record only. ask: a person approves every ban. auto: act within the guard's limits.",
    ko: "watch: 기록만. ask: 사람이 모든 차단을 승인. auto: 한도 안에서 스스로 차단.",
  },
  {
    yaml: "# timezone: Asia/Seoul",
    en: "Zone of time stamps that carry none. Default: this machine's.",
    ko: "시간대가 없는 시각의 시간대. 기본: 이 컴퓨터의 시간대.",
  },
  { yaml: "# state: /var/lib/haechi", en: "Where everything that must survive a restart is kept.", ko: "재시작 뒤에도 남아야 하는 것을 두는 곳." },
  {
    yaml: "# sources:\n#   - file: /var/log/auth.log\n#   - file: /var/log/nginx/*access*.log\n#   - journald: { units: [ssh] }\n#   - syslog: { udp: 127.0.0.1:5514, tcp: 127.0.0.1:5514 }\n#   - file: /srv/app/access.log\n#     format: '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent'\n#     timezone: Asia/Seoul",
    en: "What to read. Without this the usual places are looked through.",
    ko: "읽을 로그. 적지 않으면 보통 있는 곳을 스스로 찾습니다.",
  },
  {
    yaml: "proxies: []",
    en: "Your reverse proxies and CDN: only their X-Forwarded-For is believed. Networks.",
    ko: "앞단의 리버스 프록시와 CDN. 이들의 X-Forwarded-For 만 믿습니다. 네트워크 목록.",
  },
  { yaml: "allow: []", en: "Never banned: your office, your home, your monitoring.", ko: "절대 차단하지 않을 곳: 사무실, 집, 모니터링." },
  { yaml: "infrastructure: []", en: "Your own servers and networks.", ko: "직접 운영하는 서버와 네트워크." },
  {
    yaml: "guard:\n  maxPrefix4: 24\n  maxPrefix6: 48\n  ipv6Prefix: 64\n  bansPerMinute: 30\n  bansPerCycle: 500\n  trafficShare: 0.3",
    en: "Limits of every ban: widest networks, bans a minute and a cycle, share of ordinary traffic; past them a person is asked.",
    ko: "모든 차단의 한도: 가장 넓은 네트워크, 분당·주기당 차단 수, 일반 트래픽 비율. 넘으면 사람에게 묻습니다.",
  },
  {
    yaml: "bans:\n  times: [4h, 1d, 1w]\n  decay: 30d\n  autoLevel: high",
    en: "Ban times for the first, second, further offences; forgiven one step each decay. autoLevel: from which rule level on mode auto acts.",
    ko: "첫 번째, 두 번째, 그 이후 차단 시간. decay 마다 한 단계씩 용서합니다. autoLevel: auto 방식이 스스로 움직이는 규칙 수준.",
  },
  {
    yaml: "# enforcers:\n#   - nftables: {}\n#   - crowdsec: { machine: haechi, password: 'file:/etc/haechi/crowdsec.password' }\n#   - webhook: { url: 'https://example.org/hook', secret: '${HAECHI_HOOK_SECRET}' }",
    en: "What blocks: nftables, ufw, crowdsec, webhook, dry-run. Default: nftables where it can be had, else dry-run.",
    ko: "차단 도구: nftables, ufw, crowdsec, webhook, dry-run. 기본: 쓸 수 있으면 nftables, 아니면 dry-run.",
  },
  {
    yaml: "warden:\n  socket: /run/haechi-warden/warden.sock",
    en: "Socket of the small root process that alone changes the firewall.",
    ko: "방화벽을 바꾸는 유일한 작은 root 프로세스의 소켓.",
  },
  {
    yaml: "rules:\n  directories: []\n  disable: []\n  levels: {}",
    en: "More Sigma rules; rules to turn off by id or name; other levels by id or name.",
    ko: "추가 Sigma 규칙 폴더, 끌 규칙(ID나 이름), 바꿀 수준(ID나 이름).",
  },
  {
    yaml: "detectors:\n  cohort: { enabled: true }\n  slow: { enabled: true }\n  baseline: { enabled: true }",
    en: "Detectors beside the rules: groups, slow probers, deviations.",
    ko: "규칙 외의 탐지기: 무리, 느린 탐색, 평소와 다른 움직임.",
  },
  { yaml: "metrics:\n  listen: 127.0.0.1:7601", en: "Prometheus page; off turns it off.", ko: "Prometheus 지표 페이지. off 로 끕니다." },
  {
    yaml: "evidence:\n  rows: 500000\n  perAddress: 2000",
    en: "Bounds of the evidence journal that the guard re-reads before a ban.",
    ko: "차단 전에 다시 읽는 증거 기록의 한도.",
  },
  {
    yaml: "approvals:\n  expire: 12h",
    en: "A proposal nobody answers is denied after this time.",
    ko: "아무도 답하지 않은 제안은 이 시간이 지나면 거부됩니다.",
  },
  { yaml: "lateTolerance: 10s", en: "How late a line may come and still count at its own time.", ko: "줄이 이만큼 늦게 와도 제 시각으로 셉니다." },
  {
    yaml: "ports: []",
    en: "Ports that may listen on this machine; haechi doctor tells of others.",
    ko: "이 컴퓨터에서 열려 있어도 되는 포트. 그 밖의 것은 haechi doctor 가 알립니다.",
  },
];

/** A commented `haechi.yaml` that says what every setting means and changes nothing. */
export function configText(language: Language): string {
  const head =
    language === "ko"
      ? "# 해치 설정. 모든 값은 기본값입니다. 고친 뒤: haechi config check"
      : "# Configuration of haechi. Every value is the default. After a change: haechi config check";
  return `${head}\n${entries.map((entry) => `\n# ${entry[language]}\n${entry.yaml}\n`).join("")}`;
}
