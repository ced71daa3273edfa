import { mix } from "../behaviour/generation-cache.ts";

const registers = 256;

/** HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, 2007) with 256 registers: distinct numbers to within about 6.5 %. */
export function addValue(sketch: Uint8Array, value: number): void {
  const hash = mix(value);
  const at = hash & (registers - 1);
  const rank = Math.clz32(hash >>> 8) - 10 + 1;
  if (rank > (sketch[at] as number)) sketch[at] = rank;
}

export function newSketch(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(registers);
}

export function countValues(sketch: Uint8Array): number {
  let sum = 0;
  let zero = 0;
  for (const rank of sketch) {
    sum += 2 ** -rank;
    if (rank === 0) zero++;
  }
  const estimate = (0.7213 / (1 + 1.079 / registers)) * registers * registers * (1 / sum);
  return estimate <= 2.5 * registers && zero > 0 ? registers * Math.log(registers / zero) : estimate;
}
