import type { parsersEn } from "../en/parsers.ts";

export const parsersKo: Record<keyof typeof parsersEn, string> = {
  "parsers.log-format-empty": "로그 형식에 변수가 하나도 없습니다. 서버 설정에 적힌 그대로 입력하세요. 예: {example}",
  "parsers.log-format-adjacent":
    "로그 형식의 {position}번째 글자: {first}와(과) {second} 사이에 구분 글자가 없어 둘을 나눌 수 없습니다. 서버의 로그 형식에서 둘 사이에 공백이나 따옴표를 넣으세요.",
  "parsers.log-format-variable": "로그 형식의 {position}번째 글자: {name}은(는) {server} 로그 형식의 변수가 아닙니다. 철자를 확인하세요.",
  "parsers.log-format-quote": "로그 형식의 {position}번째 글자: 열린 따옴표가 닫히지 않았습니다. 세미콜론까지 지시문 전체를 복사하세요.",
  "parsers.log-format-long": "로그 형식이 {limit}자보다 깁니다. 형식 하나만 입력하세요.",
  "parsers.time-format":
    "시간 형식 “{format}”: {conversion}은(는) 알 수 없는 변환입니다. iso8601, clf, epoch 또는 %Y-%m-%d %H:%M:%S 같은 strftime 변환을 쓰세요.",
  "parsers.time-format-empty": "시간 형식 “{format}”에 날짜도 시각도 없습니다. iso8601, clf, epoch 또는 %Y-%m-%d %H:%M:%S 같은 strftime 변환을 쓰세요.",
  "parsers.field-map": "필드 대응표: “{field}”은(는) 필드 이름이 아닙니다. 왼쪽에는 ECS 이름(source.ip)을, 오른쪽에는 로그에 쓰인 이름을 적으세요.",
  "parsers.custom-invalid": "파서 “{name}”의 {field}: {reason}",
  "parsers.custom-pattern": "파서 “{name}”: 패턴이 올바른 정규식이 아닙니다: {reason}",
  "parsers.custom-no-groups": "파서 “{name}”: 패턴에 이름 붙은 그룹이 없어 읽어 낼 값이 없습니다. source.ip 필드라면 (?<source__ip>\\S+)처럼 쓰세요.",
  "parsers.custom-group": "파서 “{name}”: fields에 적힌 그룹 “{group}”이(가) 패턴에 없습니다.",
  "parsers.custom-unsupported":
    "파서 “{name}”, 패턴의 {position}번째 글자: {construct}은(는) 실행 시간을 보장할 수 없어 쓸 수 없습니다. 이것 없이 패턴을 다시 쓰세요.",
  "parsers.custom-unsafe":
    '파서 “{name}”: 패턴이 같은 글을 너무 여러 가지로 읽을 수 있어({position}번째 글자 부근), 조작된 로그 한 줄에 감시가 멈출 수 있습니다. 반복되는 부분과 그 뒤에 오는 부분이 겹치지 않게 하세요. 예: .* 대신 \\S+나 [^"]*를 쓰고, .*는 한 번만 쓰고, 반복 안에 반복을 넣지 말고, 패턴을 ^로 시작하세요.',
  "parsers.custom-large": "파서 “{name}”: 패턴이 너무 커서 검사할 수 없습니다(위치 {size}개, 최대 {limit}개). {0,500} 같은 횟수 반복을 줄이세요.",
};
