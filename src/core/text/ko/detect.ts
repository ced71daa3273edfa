import type { detectEn } from "../en/detect.ts";

export const detectKo: Record<keyof typeof detectEn, string> = {
  "detect.slow.path-walk": "속도를 가리지 않는 경로 탐색",
  "detect.slow.sign-in-guessing": "속도를 가리지 않는 로그인 추측",
  "detect.cohort.sign-in": "여러 주소가 똑같은 방식으로 로그인을 시도함",
  "detect.cohort.probe": "여러 주소가 똑같은 방식으로 사이트를 탐색함",
  "detect.cohort.network": "네트워크 전체가 함께 공격함",
  "detect.baseline.source": "평소와 크게 다른 주소",
  "detect.baseline.site": "평소와 크게 다른 사이트 상태",
};
