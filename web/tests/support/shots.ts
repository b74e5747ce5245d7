/** Pictures of pages, for people to look at. */

import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';

/** Keeps a picture of the whole page, where the tests are asked for pictures. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.CARHOP_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => document.fonts.ready);
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const before = page.viewportSize();
  // What sticks to the edge of the window stands there in a picture, too.
  if (before && height > before.height) {
    await page.setViewportSize({ ...before, height });
    await drawn(page);
  }
  await page.screenshot({ path: `${folder}/${name}.png` });
  if (before) await page.setViewportSize(before);
}

/** Waits until what has changed its size is drawn again. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}
