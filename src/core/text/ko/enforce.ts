import type { enforceEn } from "../en/enforce.ts";

export const enforceKo: Record<keyof typeof enforceEn, string> = {
  "enforce.wardenUnreachable": "{socket}에서 워든이 응답하지 않습니다({reason}). root로 실행하세요: haechi warden --socket {socket} --user 사용자",
  "enforce.wardenTimeout":
    "{socket}의 워든이 '{request}' 요청을 {seconds}초 안에 끝내지 못했습니다. 방화벽은 이전 상태를 유지하며, 다음 차례에 다시 시도합니다.",
  "enforce.wardenBusy": "워든에 대기 중인 요청이 {waiting}개라 더 받을 수 없습니다. 잠시 후 다시 시도하세요.",
  "enforce.wardenMessage": "워든이 메시지를 이해하지 못했습니다: {reason}. 가드와 워든의 버전이 다를 수 있으니 둘 다 다시 시작하세요.",
  "enforce.wardenReply": "{socket}의 워든이 '{request}' 요청에 약속과 다른 형식으로 답했습니다. 가드와 워든의 버전이 다를 수 있으니 둘 다 다시 시작하세요.",
  "enforce.wardenNotRoot": "워든은 방화벽을 바꾸므로 root로 실행해야 합니다. sudo를 쓰거나 systemd 서비스로 시작하세요.",
  "enforce.wardenDirectory":
    "{directory} 폴더는 root 소유이고 root만 쓸 수 있어야 합니다. 다른 사용자가 쓸 수 있으면 워든의 소켓을 바꿔치기할 수 있기 때문입니다. 다른 --socket 경로를 고르거나 폴더를 고치세요: chown root {directory} && chmod go-w {directory}",
  "enforce.wardenRunning": "다른 워든이 이미 {socket}에서 실행 중입니다. 먼저 그 워든을 멈추거나 다른 --socket 경로를 고르세요.",
  "enforce.wardenUser": "이 서버에 '{user}' 사용자가 없습니다. 사용자를 만들거나(adduser --system {user}) --user로 다른 사용자를 지정하세요.",
  "enforce.wardenUsage":
    "{reason}. 사용법: haechi warden --socket 경로 --user 이름|UID [--backend nftables|ufw] [--prefix4 비트] [--prefix6 비트] [--while-stdin]",
  "enforce.wardenListening": "워든({backend})이 {socket}에서 사용자 {uid}의 요청을 기다립니다.",
  "enforce.wardenRefusedPeer": "사용자 {uid}의 연결을 거절했습니다. 사용자 {allowed}와 root만 워든에 연결할 수 있습니다.",
  "enforce.wardenExpiry": "기한이 지난 규칙을 지우지 못했습니다: {reason}",
  "enforce.commandMissing": "{command} 명령을 실행할 수 없습니다({reason}). '{package}' 패키지를 설치하세요.",
  "enforce.commandFailed": "{command} 명령이 실패했습니다: {reason}",
  "enforce.commandTimeout": "{command} 명령이 {seconds}초 안에 끝나지 않아 중지했습니다.",
  "enforce.ufwInactive":
    "ufw가 꺼져 있어 규칙을 넣어도 아무도 차단되지 않습니다. SSH를 먼저 허용한 뒤 켜거나(ufw allow OpenSSH && ufw enable) nftables 방식을 쓰세요.",
  "enforce.nftUnreadable": "nft의 JSON 출력을 읽을 수 없습니다: {reason}",
  "enforce.refusedUnparsable": "표준 표기의 주소나 네트워크가 아닙니다",
  "enforce.refusedWidth": "워든이 차단할 수 있는 범위보다 넓은 네트워크입니다",
  "enforce.refusedReserved": "루프백, 링크 로컬, 멀티캐스트 등 예약된 주소입니다",
  "enforce.refusedOwn": "이 서버 자신의 주소입니다",
  "enforce.refusedFull": "방화벽 목록이 가득 차서 넣을 수 없습니다(ufw에는 {limit}개까지만 넣습니다. 더 필요하면 nftables를 쓰세요)",
  "enforce.refusedTooMany": "차단은 {limit}개까지만 유지하므로 넣을 수 없습니다",
  "enforce.refusedNotHeld": "방화벽에 보냈지만 다시 읽어 보니 들어 있지 않습니다",
  "enforce.webhookUnreachable": "웹훅 {url}에 {tries}번 시도했지만 연결하지 못했습니다: {reason}",
  "enforce.webhookRefused": "웹훅 {url}이 차단 목록을 거절했습니다(응답 {status}). 주소와 양쪽의 비밀 키를 확인하세요.",
  "enforce.crowdsecUnreachable": "CrowdSec 로컬 API({url})가 응답하지 않습니다: {reason}. crowdsec이 실행 중인지 확인하세요.",
  "enforce.crowdsecLogin":
    "CrowdSec 로컬 API({url})가 '{machine}' 머신의 로그인을 거절했습니다({status}). cscli machines add {machine} --password … 로 등록하고 비밀번호를 확인하세요.",
  "enforce.crowdsecKey": "CrowdSec 로컬 API({url})가 바운서 키를 거절했습니다({status}). cscli bouncers add haechi 로 새로 만드세요.",
  "enforce.crowdsecAnswer": "CrowdSec 로컬 API가 {request} 요청에 {status}로 답했습니다: {reason}",
  "enforce.crowdsecAllowlisted": "CrowdSec 허용 목록에 있습니다({reason})",
  "enforce.crowdsecNotHeld": "CrowdSec이 받아들였지만 다시 읽어 보니 유효한 결정 목록에 없습니다",
  "enforce.feedLost": "{reason} {feed}에서 온 차단은 끝날 때까지 유지하고, 계속 다시 연결합니다.",
  "enforce.feedBack": "{feed}이(가) 다시 응답하여 차단 목록을 계속 받습니다.",
  "enforce.dryRunAdd": "{target} 주소를 {until}까지 차단했을 것입니다: {reason}",
  "enforce.dryRunRemove": "{target} 차단을 풀었을 것입니다.",
  "enforce.dryRunFlush": "차단 {count}개를 모두 풀었을 것입니다.",
  "enforce.dryRunKill": "{target}의 연결을 끊었을 것입니다.",
};
