/**
 * Every state that the pages of customer and driver can be in, without an authority behind them: what `/v1` would say is
 * said by the test. Accessible in both themes, at 320 and 1280 pixels, in both languages; nothing sticks out.
 */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosen, load, type Texts } from '../src/texts';
import { browse, Person, type Theme } from './support/browser';
import { lives } from './support/lives';
import { customerMoments, driverMoments } from './support/moments';
import { showCustomer, showDriver } from './support/played';
import { picture } from './support/shots';
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

const pages = {
  customer: { show: showCustomer, moments: customerMoments },
  driver: { show: showDriver, moments: driverMoments },
};

for (const window of windows) {
  for (const [role, { show, moments }] of Object.entries(pages)) {
    test(`every state of the ${role} is accessible at ${window.width}, ${window.theme}, ${window.locale}`, async () => {
      const person = await Person.sit(browser, world, window);
      for (const [name, live] of Object.entries(lives())) {
        await show(person, world, live);
        expect(await person.violations(), name).toEqual([]);
        expect(await person.sticksOut(), name).toBe(false);
      }
      expect(person.faults).toEqual([]);
      await person.leave();
    });

    test(`what the ${role} sees before and after is accessible at ${window.width}, ${window.theme}, ${window.locale}`, async () => {
      const texts = await read(window.locale);
      for (const [name, reach] of Object.entries(moments)) {
        // A page that was visited has kept something.
        const person = await Person.sit(browser, world, window);
        await reach(person, world, texts);
        expect(await person.violations(), name).toEqual([]);
        expect(await person.sticksOut(), name).toBe(false);
        expect(person.faults, name).toEqual([]);
        await person.leave();
      }
    });
  }
}

const views: { width: number; height: number; theme: Theme }[] = [
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
];

/** What `docs/pages.md` shows. */
const pictured: Record<keyof typeof pages, string[]> = {
  customer: ['verified', 'en-route', 'arrived', 'dispensing', 'completed', 'held-vehicle_moved'],
  driver: ['en-route', 'arrived', 'handoff-ready', 'open', 'completed', 'held-safety'],
};

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', { timeout: 900_000 }, async () => {
  const all = lives();
  const texts = await read('en-US');
  for (const view of views) {
    for (const [role, { show, moments }] of Object.entries(pages)) {
      const keep = ({ page }: Person, name: string): Promise<void> =>
        picture(page, `${role}-${name.replaceAll('_', '-')}-${view.width}-${view.theme}`);
      const person = await Person.sit(browser, world, view);
      for (const name of pictured[role as keyof typeof pages]) {
        const live = all[name];
        if (live === undefined) throw new Error(`there is no ${name}`);
        await show(person, world, live);
        await keep(person, name);
      }
      await person.leave();
      for (const [name, reach] of Object.entries(moments)) {
        const person = await Person.sit(browser, world, view);
        await reach(person, world, texts);
        await keep(person, name);
        await person.leave();
      }
    }
  }
});

const read = (locale: string): Promise<Texts> => load(chosen([locale]));
