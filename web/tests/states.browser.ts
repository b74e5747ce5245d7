/**
 * Every state that the pages of customer and driver can be in, without an authority behind them: what `/v1` would say is
 * said by the test. Accessible in both themes, at 320 and 1280 pixels, in both languages; nothing sticks out.
 */

import { expect, test } from 'vitest';
import type { Live } from '../src/api/client';
import { chosen, load, type Texts } from '../src/texts';
import { Person, type Theme } from './support/browser';
import { groceriesOnly, lives } from './support/lives';
import { customerMoments, driverMoments } from './support/moments';
import { showCustomer, showDriver, type Played } from './support/played';
import { picture } from './support/shots';
import { setStage } from './support/stage';

const stage = setStage();

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
      const person = await Person.sit(stage.browser, stage.world, window);
      let played: Played | undefined;
      for (const [name, live] of Object.entries(lives()).map(numbered)) {
        // The page is opened once, and told of each state by its stream, as on a real day.
        if (played) await played.say(live);
        else played = await show(person, stage.world, live);
        await person.page.getByText(live.session.venue_name).first().waitFor();
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
        const person = await Person.sit(stage.browser, stage.world, window);
        await reach(person, stage.world, texts);
        expect(await person.violations(), name).toEqual([]);
        expect(await person.sticksOut(), name).toBe(false);
        expect(person.faults, name).toEqual([]);
        await person.leave();
      }
    });
  }
}

/** With a version of its own, and with a place by whose name it is known that the page shows this one. */
function numbered([name, live]: [string, Live], index: number): [string, Live] {
  const venue = `Los Altos Lot ${String(index).padStart(2, '0')}`;
  return [name, { ...live, session: { ...live.session, version: index + 1, venue_name: venue } }];
}

test('a long name of a venue leaves the state beside it whole', async () => {
  const live = lives()['handoff-ready'];
  if (live === undefined) throw new Error('no such stop');
  const venue_name = 'Parkhaus der Universitätsbibliothek am Nordbahnhof';
  const session = { ...live.session, venue_name };
  for (const width of [320, 390]) {
    for (const locale of ['de-DE', 'en-US']) {
      const person = await Person.sit(stage.browser, stage.world, { width, locale });
      await showCustomer(person, stage.world, { ...live, session });
      const box = async (found: string): Promise<Box> => {
        const {
          x = 0,
          y = 0,
          width = 0,
          height = 0,
        } = (await person.page.locator(found).first().boundingBox()) ?? {};
        return { left: x, right: x + width, middle: y + height / 2, height };
      };
      const [header, brand, pill] = [
        await box('header'),
        await box('header .brand'),
        await box('header .pill'),
      ];
      expect(pill.height, 'one line').toBeLessThan(32);
      expect(brand.right, 'side by side').toBeLessThanOrEqual(pill.left);
      expect(Math.abs(brand.middle - pill.middle), 'on one height').toBeLessThan(2);
      expect(header.height, 'low').toBeLessThan(110);
      expect(await person.sticksOut()).toBe(false);
      await picture(person.page, `customer-long-name-${width}-${locale}`);
      await person.leave();
    }
  }
});

test('what is to be approved says in which bay, and the state what is missing', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  await customerMoments['approve']?.(person, stage.world, await read('en-US'));
  await person.page.locator('dd', { hasText: 'Los Altos Library, Bay B14' }).waitFor();
  await person.page.locator('header').getByText('Approval needed').waitFor();
  expect(await person.page.title()).toMatch(/^Approval needed · /);
  await person.leave();
});

interface Box {
  left: number;
  right: number;
  middle: number;
  height: number;
}

const views: { width: number; height: number; theme: Theme }[] = [
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
];

/** What `docs/pages.md` shows. */
const pictured: Record<keyof typeof pages, string[]> = {
  customer: [
    'verified',
    'en-route',
    'arrived',
    'dispensing',
    'completed',
    'held-vehicle_moved',
    'stopped-open',
  ],
  driver: [
    'en-route',
    'arrived',
    'handoff-ready',
    'open',
    'completed',
    'held-safety',
    'stopped-open',
  ],
};

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', { timeout: 900_000 }, async () => {
  const all = lives();
  const texts = await read('en-US');
  for (const view of views) {
    for (const [role, { show, moments }] of Object.entries(pages)) {
      const keep = ({ page }: Person, name: string): Promise<void> =>
        picture(page, `${role}-${name.replaceAll('_', '-')}-${view.width}-${view.theme}`);
      const person = await Person.sit(stage.browser, stage.world, view);
      for (const name of pictured[role as keyof typeof pages]) {
        const live = all[name];
        if (live === undefined) throw new Error(`there is no ${name}`);
        // A phone's browser serves groceries alone.
        await show(person, stage.world, role === 'driver' ? groceriesOnly(live) : live);
        // Where the driver is, is looked for every few seconds.
        const place = person.page.getByText(texts.driver.place.none);
        await place.waitFor({ state: 'detached' });
        await keep(person, name);
      }
      await person.leave();
      for (const [name, reach] of Object.entries(moments)) {
        const person = await Person.sit(stage.browser, stage.world, view);
        await reach(person, stage.world, texts);
        await keep(person, name);
        await person.leave();
      }
    }
  }
});

const read = (locale: string): Promise<Texts> => load(chosen([locale]));
