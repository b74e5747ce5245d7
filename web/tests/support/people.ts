/** What customers and staff do on their pages, as far as several journeys begin alike. */

import type { Browser, Page } from 'playwright-core';
import { addPasskeys } from './authority';
import { Person } from './browser';
import type { World } from './world';

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

/** Goes to something by the keyboard alone, and presses it, or holds it down for so long. */
export async function tabTo(
  page: Page,
  name: string,
  element = 'button',
  heldMs = 0,
): Promise<void> {
  await page.locator(element, { hasText: name }).first().waitFor();
  await tabUntil(page, name, (focused, wanted) => focused?.textContent?.trim() === wanted);
  await page.keyboard.down('Enter');
  if (heldMs > 0) await page.waitForTimeout(heldMs);
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
