import type { stateEn } from "../en/state.ts";

export const stateKo: Record<keyof typeof stateEn, string> = {
  "state.busy": "상태 파일 {path}을(를) 다른 해치가 쓰고 있습니다. 그쪽을 먼저 멈추거나(`systemctl stop haechi`) 읽기만 하는 명령을 쓰세요.",
  "state.corrupt":
    "상태 파일 {path}이(가) 손상되었습니다: {detail}. 아무것도 바꾸지 않았습니다. 이 파일을 다른 곳으로 옮긴 뒤 최근 사본({path}.v*.bak 또는 직접 만든 백업)을 그 자리에 두거나, 빈 파일로 새로 시작하세요. 방화벽에 걸린 차단은 끝나는 시각까지 유지됩니다.",
  "state.newer":
    "상태 파일 {path}은(는) 더 새로운 해치가 쓴 것입니다(파일 버전 {found}, 이 프로그램이 아는 버전 {known}). 해치를 업데이트하거나, 업데이트할 때 만들어진 사본({path}.v*.bak)으로 되돌리세요.",
  "state.older": "상태 파일 {path}의 버전이 오래되었습니다(현재 {found}, 필요 {known}). `haechi up`을 한 번 실행하면 사본을 만든 뒤 파일을 갱신합니다.",
  "state.full": "상태 파일 {path}을(를) 쓸 디스크 공간이 없습니다. 공간을 비우면 해치가 알아서 이어 갑니다.",
  "state.missing": "상태 파일 {path}이(가) 아직 없습니다. `haechi up`을 한 번 실행하거나 경로를 확인하세요.",
  "state.unreadable": "상태 파일 {path}을(를) 열 수 없습니다: {detail}. 폴더가 있는지, 이 사용자에게 읽기와 쓰기 권한이 있는지 확인하세요.",
  "state.read_only": "상태 파일 {path}을(를) 읽기 전용으로 열었으므로 아무것도 바꿀 수 없습니다. 의도한 것이 아니라면 파일과 폴더의 권한을 확인하세요.",
  "state.closed": "상태 파일 {path}은(는) 이미 닫혔습니다. 해치가 종료되는 중입니다.",
  "state.failed": "상태 파일 {path}을(를) 사용하지 못했습니다: {detail}. 디스크와 권한을 확인한 뒤 해치를 다시 시작하세요.",
};
