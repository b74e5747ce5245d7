/**
 * Every state that the pages of customer and driver can be in, without an authority behind them: what `/v1` would say is
 * said by the test. Accessible in both themes, at 320 and 1280 pixels, in both languages; nothing sticks out.
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

const pages = { customer: showCustomer, driver: showDriver };

for (const window of windows) {
  for (const [role, show] of Object.entries(pages)) {
    test(`every state of the ${role} is accessible at ${window.width}, ${window.theme}, ${window.locale}`, async () => {
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
  for (const view of views) {
    const person = await Person.sit(browser, world, view);
    const keep = (name: string): Promise<void> =>
      picture(person.page, `${name}-${view.width}-${view.theme}`);
    for (const [role, show] of Object.entries(pages)) {
      for (const name of pictured[role as keyof typeof pages]) {
        const live = all[name];
        if (live === undefined) throw new Error(`there is no ${name}`);
        await show(person, live);
        await keep(`${role}-${name.replaceAll('_', '-')}`);
        if (role === 'customer' && name === 'completed') await report(person, live, keep);
        if (role !== 'customer' || name !== 'arrived') continue;
        await person.page.getByRole('button', { name: 'Show my code' }).click();
        await person.page.locator('svg.qr').waitFor();
        await keep('customer-code');
      }
    }
    await person.leave();
  }
});

/** Opens the customer's page, bound to a session that is as the test says. */
async function showCustomer(person: Person, live: Live): Promise<void> {
  const answers = {
    'links/redemptions': { session: live.session.id, token: 'chs_test' },
    'sessions/*/estimate': { minutes: 9, as_of: live.now },
    'sessions/*/codes': {
      ...{ proof: 'prf_0', code: '481920', scan: `CH1:${'6BFOXN*TS0BI$ZD4'.repeat(10)}` },
      ...{ expires_at: new Date(Date.parse(live.now) + 118_000).toISOString(), issues_left: 2 },
    },
  };
  await play(person, live, answers);
  await person.page.goto(`${world.origin}/s#cht_test`);
  await person.page.locator('main button').first().click();
  await person.page.locator('article.card').first().waitFor();
}

/** Reports a problem after the end, and sees what became of it. */
async function report(
  { page }: Person,
  live: Live,
  keep: (name: string) => Promise<void>,
): Promise<void> {
  const now = Date.parse(live.now);
  const dispute = {
    session: live.session.id,
    about: 'missing',
    words: 'One bag of two is not there.',
    opened_at: live.now,
    answer_by: new Date(now + 24 * 3600_000).toISOString(),
  };
  await page.route('**/dispute', (route) => route.fulfill({ status: 201, json: dispute }));
  await page.getByRole('button', { name: 'Report a problem' }).click();
  await page.getByLabel('In your words').fill(dispute.words);
  await keep('customer-report');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('blockquote').waitFor();
  await keep('customer-reported');
}

/** Opens the driver's page at a stop that is as the test says. */
async function showDriver(person: Person, live: Live): Promise<void> {
  const { id } = live.session;
  const myself = { driver: 'drv_0', name: 'Mara Quist', device: 'dev_2', tier: 'certified' };
  await play(person, live, {
    'devices/enrolments': { device: 'dev_2', expires_at: live.session.window.end },
    driver: myself,
    'driver/stops': { data: [{ id, state: 'en_route', held: false }], has_more: false },
  });
  await person.page.goto(`${world.origin}/d#cht_test`);
  await person.page.locator('main button').first().click();
  await person.page.locator('article.card').first().waitFor();
}

/** Plays the authority. */
async function play(person: Person, live: Live, answers: Record<string, object>): Promise<void> {
  const { page } = person;
  // The page before must not ask what this one is told.
  await page.goto('about:blank');
  await page.unrouteAll();
  for (const [path, json] of Object.entries(answers)) {
    await page.route(`**/v1/${path}`, (route) => route.fulfill({ json }));
  }
  const event = `event: session\ndata: ${JSON.stringify(live)}\n\n`;
  let isFirst = true;
  await page.route('**/live', (route) => {
    if (!isFirst) return;
    isFirst = false;
    return route.fulfill({ contentType: 'text/event-stream', body: event });
  });
}
