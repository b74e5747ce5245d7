/** What customers and drivers are shown beside the states of a stop: before, after, and in between. */

import type { Locator } from 'playwright-core';
import type { Live } from '../../src/api/client';
import { fill, type Texts } from '../../src/texts';
import type { Person, Served } from './browser';
import { groceriesOnly, lives } from './lives';
import { sees } from './people';
import { Played, refusal, setUpDriver, showCustomer, showDriver } from './played';

/** Brings a page to one of them. */
export type Moment = (person: Person, served: Served, texts: Texts) => Promise<unknown>;

export const customerMoments: Record<string, Moment> = {
  welcome: async (person, { origin }, { customer }) => {
    await Played.by(person, {});
    await person.page.goto(`${origin}/s#cht_test`);
    await sees(person.page, customer.welcome.headline);
  },
  used: async (person, { origin }, { customer }) => {
    await Played.by(person, { 'links/redemptions': 401 });
    await person.page.goto(`${origin}/s#cht_test`);
    await button(person, customer.welcome.action).click();
    await sees(person.page, customer.used.headline);
  },
  foreign: async (person, { origin }, { customer }) => {
    await Played.by(person, {});
    await person.page.goto(`${origin}/s/hs_01a1fda6951a79d8a855ff69ffffffff`);
    await sees(person.page, customer.foreign.headline);
  },
  forgetful: async (person, { origin }, { forgetful }) => {
    await person.page.addInitScript(refuseToKeep);
    await Played.by(person, {});
    await person.page.goto(`${origin}/s#cht_test`);
    await sees(person.page, forgetful.headline);
  },
  approve: async (person, served, { customer }) => {
    await showCustomer(person, served, life('verified'));
    await person.page.getByLabel(customer.car.plateLabel).fill('7KD 201');
    await button(person, customer.states.verified.primary).click();
    await sees(person.page, customer.states.proposed.headline);
  },
  code: async (person, served, texts) => {
    const played = await showCustomer(person, served, life('arrived'));
    await button(person, texts.customer.code.show).click();
    await person.page.locator('svg.qr').waitFor();
    return played;
  },
  offline: async (person, served, texts) => {
    const played = await showCustomer(person, served, life('arrived'));
    await button(person, texts.customer.code.show).click();
    await person.page.locator('svg.qr').waitFor();
    await played.cutOff();
    await person.page.getByText(texts.line.offlineCode).waitFor();
  },
  'ready-anew': async (person, served, { customer }) => {
    const live = life('handoff-ready');
    await showCustomer(person, served, live);
    const driver = live.session.assignment?.driver_name ?? '';
    await person.page.getByText(fill(customer.anew.title, { driver })).click();
    await button(person, customer.code.show).waitFor();
  },
  stop: async (person, served, { customer }) => {
    await showCustomer(person, served, life('en-route'));
    await button(person, customer.controls.stop).click();
    await person.page.getByRole('dialog').waitFor();
  },
  move: async (person, served, { customer }) => {
    await showCustomer(person, served, life('en-route'));
    await button(person, customer.car.moved).click();
    await person.page.getByRole('dialog').waitFor();
  },
  report: async (person, served, texts) => {
    const live = life('completed');
    const dispute = {
      ...{ session: live.session.id, about: 'missing', opened_at: live.now },
      ...{ words, answer_by: new Date(Date.parse(live.now) + 24 * 3600_000).toISOString() },
    };
    const played = await showCustomer(person, served, live, { 'sessions/*/dispute': 404 });
    await button(person, texts.customer.dispute.report).click();
    await person.page.getByLabel(texts.customer.dispute.words).fill(words);
    await played.answer('sessions/*/dispute', dispute);
  },
  reported: async (person, served, texts) => {
    await customerMoments['report']?.(person, served, texts);
    await button(person, texts.customer.dispute.send).click();
    await person.page.locator('blockquote').waitFor();
  },
};

export const driverMoments: Record<string, Moment> = {
  none: async (person, { origin }, { driver }) => {
    await Played.by(person, {});
    await person.page.goto(`${origin}/d`);
    await sees(person.page, driver.setUp.none.headline);
  },
  'set-up': async (person, { origin }, { driver }) => {
    await Played.by(person, {});
    await person.page.goto(`${origin}/d#cht_test`);
    await sees(person.page, driver.setUp.headline);
  },
  'set-up-again': async (person, served, { driver }) => {
    const none = { data: [], has_more: false };
    await setUpDriver(person, served, groceries('en-route'), { 'driver/stops': none });
    await person.page.getByText(driver.list.none).waitFor();
    await person.page.evaluate(() => (location.hash = '#cht_another'));
    await sees(person.page, driver.setUp.again.headline);
  },
  used: async (person, served, { driver }) => {
    await setUpDriver(person, served, groceries('en-route'), { 'devices/enrolments': 401 });
    await sees(person.page, driver.setUp.used.headline);
  },
  waiting: async (person, served, { driver }) => {
    await setUpDriver(person, served, groceries('en-route'), { driver: 403 });
    await sees(person.page, driver.setUp.waiting.headline);
  },
  'no-stop': async (person, served, { driver }) => {
    const none = { data: [], has_more: false };
    await setUpDriver(person, served, groceries('en-route'), { 'driver/stops': none });
    await person.page.getByText(driver.list.none).waitFor();
  },
  list: async (person, served) => {
    const stop = (end: string, state: string, held = false): object => ({
      id: `hs_01a1fda6951a79d8a855ff6938${end}`,
      ...{ state, held },
    });
    const data = [
      ...[stop('a4510d', 'arrived'), stop('0b77e2', 'en_route'), stop('91c3f8', 'arrived', true)],
      ...[stop('5d20aa', 'completed'), stop('e6634b', 'revoked')],
    ];
    await setUpDriver(person, served, groceries('arrived'), {
      'driver/stops': { data, has_more: false },
    });
    await person.page.locator('button.stop').nth(4).waitFor();
  },
  ask: async (person, served, { driver }) => {
    await showDriver(person, served, groceries('handoff-ready'));
    await button(person, driver.actions.unlock).evaluate((one: HTMLElement) => one.click());
    await person.page.getByRole('dialog').waitFor();
  },
  'ready-anew': async (person, served, { common, driver, reasons }) => {
    await showDriver(person, served, groceries('handoff-ready'), {
      'sessions/*/vehicle-tokens': refusal('presence_not_proven'),
    });
    await button(person, driver.actions.unlock).evaluate((one: HTMLElement) => one.click());
    await button(person, common.sure.action).click();
    await person.page.getByText(reasons.presence_not_proven.driver).waitFor();
    await person.page.getByLabel(driver.fields.code).waitFor();
  },
  unsafe: async (person, served, { driver }) => {
    await showDriver(person, served, groceries('open'));
    await button(person, driver.actions.unsafe).click();
    await person.page.getByRole('dialog').waitFor();
  },
  offline: async (person, served, texts) => {
    const played = await showDriver(person, served, groceries('open'));
    await played.cutOff();
    await person.page.getByText(texts.line.lost).waitFor();
    await button(person, texts.driver.actions.loaded).click();
    await person.page.getByText(texts.driver.keptHere).waitFor();
  },
  gone: async (person, served, { driver }) => {
    const played = await showDriver(person, served, groceries('handoff-ready'));
    await played.say(404);
    await sees(person.page, driver.gone.headline);
  },
  over: async (person, served, { driver }) => {
    await setUpDriver(person, served, groceries('en-route'), { driver: 401 });
    await sees(person.page, driver.setUp.over.headline);
  },
};

function refuseToKeep(): void {
  indexedDB.open = () => {
    throw new DOMException('not here', 'SecurityError');
  };
}

const button = ({ page }: Person, name: string): Locator =>
  page.getByRole('button', { name, exact: true }).first();

function life(name: string): Live {
  const live = lives()[name];
  if (live === undefined) throw new Error(`there is no ${name}`);
  return live;
}

const groceries = (name: string): Live => groceriesOnly(life(name));

const words = 'One bag of two is not there.';
