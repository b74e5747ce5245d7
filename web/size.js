// Holds the entry points to what a phone on one bar can load (M-UXP-1): all script that a page needs before it shows
// something, compressed as the server sends it.
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Its texts, in the larger language: they load with it. */
const texts = Math.max(
  ...readdirSync('dist/assets')
    .filter((name) => /^(en|de)-.*\.js\.br$/.test(name))
    .map((name) => statSync(`dist/assets/${name}`).size),
);

const kilobytesMax = { customer: 60, driver: 90, console: 110 };

let isTooLarge = false;
for (const [page, max] of Object.entries(kilobytesMax)) {
  const html = readFileSync(`dist/${page}.html`, 'utf8');
  const scripts = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(
    ([, name]) => name,
  );
  const bytes = scripts.reduce((sum, name) => sum + statSync(`dist/${name}.br`).size, texts);
  const kilobytes = bytes / 1000;
  console.log(`${page}: ${kilobytes.toFixed(1)} kB of script, at most ${max}`);
  isTooLarge ||= kilobytes > max;
}
if (isTooLarge) process.exit(1);
