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
