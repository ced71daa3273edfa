import type { sourcesEn } from "../en/sources.ts";

export const sourcesKo: Record<keyof typeof sourcesEn, string> = {
  "sources.archiveDamaged":
    "{path} 파일이 {byte}바이트 위치에서 손상되었거나 잘렸습니다({reason}). 그 앞의 줄은 모두 읽었습니다. 나머지를 읽으려면 백업에서 파일을 복원하세요.",
  "sources.unreadable": "{path} 파일을 읽을 수 없습니다({reason}). 경로가 맞는지, 이 사용자에게 읽기 권한이 있는지 확인하세요.",
  "sources.cursorInvalid": "{source}의 저장된 읽기 위치를 해석할 수 없습니다({reason}). 처음부터 다시 읽으려면 저장된 위치를 지우세요.",
  "sources.patternInvalid": "{pattern}은(는) 따라 읽을 수 있는 경로나 글롭이 아닙니다({reason}).",
  "sources.journaldFailed": "journalctl이 종료되었습니다({reason}): {detail}. 설치되어 있는지, 이 사용자가 systemd-journal 그룹에 속해 있는지 확인하세요.",
  "sources.listenFailed":
    "{transport} {host}:{port}에서 syslog를 수신할 수 없습니다({reason}). 비어 있는 포트를 고르거나 그 포트를 쓰는 프로그램을 중지하세요.",
  "sources.why.file": "파일이 있고 읽을 수 있습니다.",
  "sources.why.journald": "syslog 파일이 없어 systemd 저널을 대신 읽습니다.",
  "sources.problem.denied": "{path}을(를) 읽을 권한이 없습니다. 이 사용자를 {group} 그룹에 추가하세요: sudo usermod -aG {group} {user}",
  "sources.problem.deniedMode":
    "{path}을(를) 읽을 권한이 없습니다. 권한이 {mode}이어서 소유자 {owner}만 읽을 수 있습니다. 그룹에 읽기 권한을 주거나(chmod g+r, chgrp adm) 그 사용자로 해치를 실행하세요.",
  "sources.problem.deniedDirectory": "{path} 디렉터리를 볼 권한이 없습니다. 이 사용자를 {group} 그룹에 추가하거나 다른 사용자에게도 접근을 허용하세요.",
  "sources.problem.unreadable": "{path}을(를) 읽을 수 없습니다({reason}).",
  "sources.problem.journal": "systemd 저널이 있지만 이 사용자는 읽을 수 없습니다. 사용자를 {group} 그룹에 추가하세요: sudo usermod -aG {group} {user}",
  "sources.problem.nothing": "{path} 아래에서 로그를 찾지 못했습니다. haechi.yaml에 로그 파일을 지정하세요.",
};
