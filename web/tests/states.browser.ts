/**
 * Every state that a customer's page can be in, without an authority behind it: what `/v1` would say is said by the test.
 * Accessible in both themes, at 320 and 1280 pixels, in both languages; nothing sticks out.
 */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Live } from '../src/api/client';
import { browse, Person, type Theme } from './support/browser';
import { picture } from './support/shots';
import { lives } from './support/lives';
import { World } from './support/world';

let world: World;
let browser: Browser;

beforeAll(async () => {
  world = await World.serveOnly();
  browser = await browse(world);
});

afterAll(async () => {
  await browser?.close();
  world?.stop();
});

const windows: { width: number; theme: Theme; locale: string }[] = [
  { width: 320, theme: 'light', locale: 'de-DE' },
  { width: 320, theme: 'dark', locale: 'en-US' },
  { width: 1280, theme: 'light', locale: 'en-US' },
  { width: 1280, theme: 'dark', locale: 'de-DE' },
];

for (const window of windows) {
  test(`every state is accessible at ${window.width}, ${window.theme}, ${window.locale}`, async () => {
    const person = await Person.sit(browser, world, window);
    for (const [name, live] of Object.entries(lives())) {
      await show(person, live);
      expect(await person.violations(), name).toEqual([]);
      expect(await person.sticksOut(), name).toBe(false);
    }
    expect(person.faults).toEqual([]);
    await person.leave();
  });
}

const views: { width: number; height: number; theme: Theme }[] = [
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
];

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', async () => {
  for (const view of views) {
    const person = await Person.sit(browser, world, view);
    for (const [name, live] of Object.entries(lives())) {
      await show(person, live);
      await picture(person.page, `customer-${name}-${view.width}-${view.theme}`);
    }
    await person.leave();
  }
});

/** Opens the page bound to a session that is as the test says. */
async function show(person: Person, live: Live): Promise<void> {
  const { page } = person;
  // The page before must not ask what this one is told.
  await page.goto('about:blank');
  await page.unrouteAll();
  await page.route('**/v1/links/redemptions', (route) =>
    route.fulfill({ json: { session: live.session.id, token: 'chs_test', token_type: 'DPoP' } }),
  );
  const event = `event: session\ndata: ${JSON.stringify(live)}\n\n`;
  let isFirst = true;
  await page.route('**/live', (route) => {
    if (!isFirst) return;
    isFirst = false;
    return route.fulfill({ contentType: 'text/event-stream', body: event });
  });
  await page.goto(`${world.origin}/s#cht_test`);
  await page.locator('main button').first().click();
  await page.locator('article.card').first().waitFor();
}
