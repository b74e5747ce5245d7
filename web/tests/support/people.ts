/** What customers and staff do on their pages, as far as several journeys begin alike. */

import type { Browser, Page } from 'playwright-core';
import { addPasskeys } from './authority';
import { Person } from './browser';
import { until, type World } from './world';

/** Opens a link, and binds the delivery to this browser. */
export async function begin(page: Page, url: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(url);
  await page.getByRole('button', { name: 'Continue on this phone' }).click();
}

/** From the link to an approved delivery. */
export async function approve(page: Page, url: string): Promise<void> {
  await begin(page, url);
  await page.getByRole('button', { name: 'It’s me' }).click();
  await page.getByLabel('Licence plate').fill('7KD 201');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Approve this delivery' }).click();
  await sees(page, 'Your blue Golf estate is all set');
}

/** Waits for the headline. */
export async function sees(page: Page, headline: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: headline }).waitFor({ timeout: 20_000 });
}

/** Invites somebody who makes a passkey and comes in. */
export async function join(
  browser: Browser,
  world: World,
  name: string,
  role: string,
): Promise<{ person: Person; url: string }> {
  const made = await world.store('POST', '/v1/staff', { name, role });
  const { url } = made.invitation as { url: string };
  const person = await Person.sit(browser, world, { width: 1440, height: 900 });
  await addPasskeys(person.page);
  await person.page.goto(url);
  await person.page.getByRole('button', { name: 'Set up your passkey' }).click();
  await person.page.getByText(name).waitFor();
  return { person, url };
}

/** Presses a button and the one of the same name that asks back. */
export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
}

/** Holds a button down by the pointer until something has come of it. */
export async function hold(
  page: Page,
  name: string,
  isDone: () => Promise<unknown>,
): Promise<void> {
  await page.getByRole('button', { name }).hover();
  await page.mouse.down();
  await isDone();
  await page.mouse.up();
}

/** Goes to something by the keyboard alone, and presses it, or holds it down until something has come of it. */
export async function tabTo(
  page: Page,
  name: string,
  element = 'button',
  isDone?: () => Promise<unknown>,
): Promise<void> {
  await page.locator(element, { hasText: name }).first().waitFor();
  await tabUntil(page, name, (focused, wanted) => focused?.textContent?.trim() === wanted);
  await page.keyboard.down('Enter');
  await isDone?.();
  await page.keyboard.up('Enter');
}

/** Goes to a field by the keyboard alone, and types. */
export async function typeInto(page: Page, label: string, text: string): Promise<void> {
  await page.getByLabel(label).waitFor();
  await tabUntil(page, label, (focused, wanted) => {
    const labels = focused instanceof HTMLInputElement ? [...(focused.labels ?? [])] : [];
    return labels.some((one) => one.textContent?.includes(wanted));
  });
  await page.keyboard.type(text);
}

/** Waits until the browser keeps the page and all that it has loaded, so that it opens without a connection. */
export async function kept(page: Page, path: '/s' | '/d'): Promise<void> {
  const isKept = (): Promise<boolean> =>
    page.evaluate(async (path) => {
      const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name));
      const files = loaded.map(({ pathname }) => pathname).filter((one) => /^.assets/.test(one));
      const cache = await caches.open('pages');
      const needed = [path, ...files].map((one) => cache.match(one, { ignoreVary: true }));
      return (await Promise.all(needed)).every((one) => one !== undefined);
    }, path);
  await until(isKept, `${path} to be kept`);
}

/**
 * Has no time pass on a page any more but what the test lets pass. The page's clock, installed before, goes on until it
 * stands; it can be set forward alone, so it is set to a little later than it will have got by then.
 */
export async function stopTime(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 3_000);
}

async function tabUntil(
  page: Page,
  wanted: string,
  isIt: (focused: Element | null, wanted: string) => boolean,
): Promise<void> {
  const is = `(${isIt.toString()})(document.activeElement, ${JSON.stringify(wanted)})`;
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate<boolean>(is)) return;
  }
  throw new Error(`the keyboard does not reach ${wanted}`);
}
