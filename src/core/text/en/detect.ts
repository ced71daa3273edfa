/** English texts of this area. Every key stands in ../ko/detect.ts too: the type there demands it. */
export const detectEn = {
  "detect.slow.path-walk": "Probing for paths, at whatever pace",
  "detect.slow.sign-in-guessing": "Guessing sign-ins, at whatever pace",
  "detect.cohort.sign-in": "Many addresses try sign-ins alike",
  "detect.cohort.probe": "Many addresses probe alike",
  "detect.cohort.network": "A network whose sources attack together",
  "detect.baseline.source": "An address far from what is usual here",
  "detect.baseline.site": "The site is far from what is usual",
} as const satisfies Record<string, string>;
