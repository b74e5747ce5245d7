/**
 * Codes that are used, of another stop, or over: a real authority refuses them, whether scanned or typed, and the driver
 * reads why in the language of the phone (M-OTP-1, M-QRC-1).
 */

import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { de } from '../src/texts/de';
import { en } from '../src/texts/en';
import { browse, Person } from './support/browser';
import { cameraFlags, film } from './support/camera';
import { Driver } from './support/drivers';
import { approve, sees } from './support/people';
import { World } from './support/world';

let world: World;
let browser: Browser;
let camera: string;
let nils: Driver;
let jana: Driver;

beforeAll(async () => {
  world = await World.start();
  camera = join(world.folder, 'camera.y4m');
  browser = await browse(world, cameraFlags(camera));
  nils = await Driver.hire(browser, world, 'Nils Oduya', en);
  jana = await Driver.hire(browser, world, 'Jana Roth', de, 'de-DE');
});

afterAll(async () => {
  await nils?.leave();
  await jana?.leave();
  await browser?.close();
  world?.stop();
});

test('a code that was used is refused to the next driver as used, scanned and typed', async () => {
  const stop = await approved();
  await nils.comeToTheCar(world, stop.session);
  const digits = await showCode(stop.phone);
  await film(stop.phone, camera);
  await nils.scan();
  await sees(nils.page, 'Ready: open the trunk');

  // Somebody kept a picture of it, and the stop gets another driver.
  await jana.comeToTheCar(world, stop.session);
  await refused(jana, 'code_spent', () => jana.scan());
  await refused(jana, 'code_spent', () => jana.type(digits));
  await nils.comeToTheCar(world, stop.session);
  await refused(nils, 'code_spent', () => nils.type(digits));
  expect((await world.state(stop.session)).state).toBe('arrived');
  expect(await times(stop.session, 'presence.proven')).toBe(1);
});

test('a code that was forwarded from another stop opens nothing, and goes on working at its own', async () => {
  const [mine, others] = [await approved(), await approved()];
  await nils.comeToTheCar(world, mine.session);
  await jana.comeToTheCar(world, others.session);
  const [digits, foreign] = [await showCode(mine.phone), await showCode(others.phone)];
  await film(mine.phone, camera);
  await refused(jana, 'code_wrong', () => jana.scan());
  await refused(jana, 'code_wrong', () => jana.type(digits));
  await film(others.phone, camera);
  await refused(nils, 'code_wrong', () => nils.scan());
  await refused(nils, 'code_wrong', () => nils.type(foreign));

  await nils.type(digits);
  await sees(nils.page, en.driver.steps.unlock.title.replace('{place}', 'trunk'));
  expect(await times(others.session, 'presence.proven')).toBe(0);
});

test(
  'a code that the customer’s phone says is over is refused as over, and a new one works',
  { timeout: 300_000 },
  async () => {
    const stop = await approved();
    await nils.comeToTheCar(world, stop.session);
    const digits = await showCode(stop.phone);
    await film(stop.phone, camera);
    await stop.phone.getByText(en.customer.code.over).waitFor({ timeout: codeLifeMs + 20_000 });
    await refused(nils, 'code_expired', () => nils.scan());
    await refused(nils, 'code_expired', () => nils.type(digits));
    await jana.comeToTheCar(world, stop.session);
    await refused(jana, 'code_expired', () => jana.scan());
    await refused(jana, 'code_expired', () => jana.type(digits));

    await stop.phone.getByRole('button', { name: en.customer.code.fresh }).click();
    await jana.type(await digitsOn(stop.phone));
    await sees(jana.page, 'Bereit');
    expect(await times(stop.session, 'presence.proven')).toBe(1);
  },
);

/** An order that a customer has approved on a phone, until the test is over. */
async function approved(): Promise<{ session: string; phone: Page }> {
  const { session, url } = await world.order({ legs: [world.goods()] });
  const customer = await Person.sit(browser, world);
  onTestFinished(async () => {
    await world.store('POST', `/v1/sessions/${session}/revocations`, {});
    await customer.leave();
    expect([...customer.faults, ...nils.person.faults, ...jana.person.faults]).toEqual([]);
  });
  await approve(customer.page, url);
  return { session, phone: customer.page };
}

async function showCode(phone: Page): Promise<string> {
  await phone.getByRole('button', { name: en.customer.code.show }).click();
  return digitsOn(phone);
}

async function digitsOn(phone: Page): Promise<string> {
  return (await phone.getByLabel(en.customer.code.digits).innerText()).replace(/\D/g, '');
}

/** The authority itself says no, and the driver reads the words for it and no others. */
async function refused(
  driver: Driver,
  reason: 'code_spent' | 'code_wrong' | 'code_expired',
  present: () => Promise<void>,
): Promise<void> {
  const { page, texts } = driver;
  const answered = page.waitForResponse((response) => response.url().endsWith('/proofs'));
  await present();
  const answer = await answered;
  const { code } = (await answer.json()) as { code: string };
  expect([answer.status(), code]).toEqual([403, reason]);
  const words = page.getByRole('alert').locator('p');
  await words.getByText(texts.reasons[reason].driver, { exact: true }).waitFor();
  expect(await words.count()).toBe(1);
  await page.getByRole('button', { name: texts.common.close }).click();
}

async function times(session: string, what: string): Promise<number> {
  const { history } = await world.store('GET', `/v1/sessions/${session}/history`);
  return (history as { what: string }[]).filter((moment) => moment.what === what).length;
}

/** How long a code works (standards §9). */
const codeLifeMs = 120_000;
