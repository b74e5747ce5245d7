/** What a fake camera sees: a code from a page's own screen, a little turned, on grey. */

import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const width = 640;
const height = 480;

/** Films the code that a page shows, into a file that Chromium plays as its camera. */
export async function film(page: Page, path: string): Promise<void> {
  const svg = await page
    .locator('svg.qr')
    .evaluate((code) => new XMLSerializer().serializeToString(code));
  const brightness = await page.evaluate(
    async ({ svg, width, height }) => {
      const image = new Image();
      image.src = `data:image/svg+xml;base64,${btoa(svg.replace('<svg', '<svg width="400" height="400"'))}`;
      await image.decode();
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d');
      if (!context) throw new Error('no canvas');
      context.fillStyle = '#777';
      context.fillRect(0, 0, width, height);
      context.translate(width / 2, height / 2);
      context.rotate(0.12);
      context.drawImage(image, -190, -190, 380, 380);
      const { data } = context.getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, pixel) => data[pixel * 4] ?? 0);
    },
    { svg, width, height },
  );
  const colour = Buffer.alloc((width * height) / 2, 128);
  const frame = Buffer.concat([Buffer.from('FRAME\n'), Buffer.from(brightness), colour]);
  const head = `YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 C420jpeg\n`;
  writeFileSync(path, Buffer.concat([Buffer.from(head), frame, frame]));
}

/** How Chromium is told to use it. */
export function cameraFlags(path: string): string[] {
  return [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${path}`,
  ];
}
