/**
 * Log-likelihood ratio of `count` under its own mean against the expected mean, for negative-binomial counts with the given size
 * (small = overdispersed; arrivals of people come in bursts). 0 where the count is not above what is expected.
 */
export function surprise(count: number, expected: number, size = 2): number {
  if (count <= expected || count <= 0) return 0;
  return count * Math.log(count / expected) - (count + size) * Math.log((count + size) / (expected + size));
}

/** Natural logarithm of p(H1) / p(H0). */
export function ratio(attack: number, innocent: number): number {
  return Math.log(attack / innocent);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
