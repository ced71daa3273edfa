// A program that writes numbered lines as fast as it can and rotates its log both ways: the other side of stress.test.ts.
import * as fs from "node:fs";
import { gzipSync } from "node:zlib";

const [log, total, rotateEvery, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4]), Number(process.argv[5])];
let state = seed;
const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

let descriptor = fs.openSync(log, "a");
let sinceRotation = 0;

function shift() {
  let last = 1;
  while (fs.existsSync(`${log}.${last}`) || fs.existsSync(`${log}.${last}.gz`)) last++;
  for (let number = last - 1; number >= 1; number--) {
    for (const extension of ["", ".gz"]) {
      if (fs.existsSync(`${log}.${number}${extension}`)) fs.renameSync(`${log}.${number}${extension}`, `${log}.${number + 1}${extension}`);
    }
  }
}

for (let line = 1; line <= total;) {
  const count = Math.min(total - line + 1, 1 + Math.floor(random() * 400));
  let text = "";
  for (let index = 0; index < count; index++)
    text += `2026-01-02T03:04:05 host app[1]: event number ${line + index} of the stress test ${"x".repeat((line + index) % 90)}\n`;
  // In two writes, the first of which ends inside a line.
  const cut = Math.floor(random() * text.length);
  fs.writeSync(descriptor, text.slice(0, cut));
  fs.writeSync(descriptor, text.slice(cut));
  line += count;
  sinceRotation += count;
  if (random() < 0.1) pause(1 + random() * 4);
  if (sinceRotation < rotateEvery) continue;
  sinceRotation = 0;
  shift();
  const kind = random();
  if (kind < 0.5) {
    fs.renameSync(log, `${log}.1`);
    // The writer holds the renamed file a little longer, as daemons do until they are told.
    if (kind < 0.2 && line <= total) {
      fs.writeSync(descriptor, `2026-01-02T03:04:05 host app[1]: event number ${line++} of the stress test late\n`);
      pause(3);
    }
    fs.closeSync(descriptor);
    descriptor = fs.openSync(log, "a");
    // Compress the one before, as logrotate's delaycompress does.
    if (kind < 0.35 && fs.existsSync(`${log}.2`)) {
      fs.writeFileSync(`${log}.2.gz`, gzipSync(fs.readFileSync(`${log}.2`)));
      fs.rmSync(`${log}.2`);
    }
  } else {
    fs.copyFileSync(log, `${log}.1`);
    fs.truncateSync(log);
  }
}
fs.closeSync(descriptor);
