/** Drivers with a handset in a browser, who read their pages in their own language. */

import type { Browser } from 'playwright-core';
import type { Texts } from '../../src/texts';
import { Person } from './browser';
import { sees } from './people';
import { tag, type World } from './world';

export class Driver {
  #satellites: NodeJS.Timeout | undefined;

  private constructor(
    readonly person: Person,
    readonly id: string,
    readonly texts: Texts,
    /** What the handset was enrolled by. */
    readonly link: string,
  ) {}

  get page(): Person['page'] {
    return this.person.page;
  }

  /** Enrols a handset by its link, and stands at the car. */
  static async hire(
    browser: Browser,
    world: World,
    name: string,
    texts: Texts,
    locale = 'en-US',
  ): Promise<Driver> {
    const person = await Person.sit(browser, world, { locale });
    await person.context.grantPermissions(['camera', 'geolocation']);
    const ask = { class: 'handset', name: `phone of ${name}`, browser: true };
    const { device, url } = await world.store('POST', '/v1/devices/tickets', ask);
    await person.page.goto(String(url));
    await person.page.getByRole('button', { name: texts.driver.setUp.action }).click();
    await sees(person.page, texts.driver.setUp.waiting.headline);
    const named = { name, device: String(device) };
    const id = String((await world.store('POST', '/v1/drivers', named)).driver);
    await sees(person.page, texts.driver.title);
    const driver = new Driver(person, id, texts, String(url));
    await driver.#stand();
    return driver;
  }

  /** A place that is played stays as old as it was when it was set. */
  async #stand(): Promise<void> {
    const here = { latitude: 37.391, longitude: -122.083, accuracy: 6 };
    await this.person.context.setGeolocation(here);
    this.#satellites = setInterval(() => {
      this.person.context.setGeolocation(here).catch(() => undefined);
    }, 1_000);
  }

  /** Takes a stop as far as the customer's code. */
  async comeToTheCar(world: World, session: string): Promise<void> {
    const { page, texts } = this;
    const { actions, fields, steps } = texts.driver;
    await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: this.id });
    await page.goto(`${world.origin}/d`);
    await page.getByLabel(fields.plate).fill('7KD201');
    await page.getByRole('button', { name: actions.plate }).click();
    await page.getByText(actions.sign).first().click();
    await page.getByLabel(fields.tag).fill(tag);
    await page.getByRole('button', { name: actions.typeTag }).click();
    await this.isThere();
    await page.getByRole('button', { name: actions.arrive }).click();
    await sees(page, steps.prove.title);
  }

  /** Waits until the page says that this is the place: by the sign, or by where the handset has been for a while. */
  async isThere(): Promise<void> {
    const { place } = this.texts.driver;
    await this.page.getByText(place.sign).or(this.page.getByText(place.inside)).waitFor();
  }

  /** Lets the camera read what stands before it. */
  async scan(): Promise<void> {
    await this.page.getByRole('button', { name: this.texts.driver.actions.scan }).click();
  }

  async type(digits: string): Promise<void> {
    await this.page.getByLabel(this.texts.driver.fields.code).fill(digits);
    await this.page.getByRole('button', { name: this.texts.driver.actions.prove }).click();
  }

  async leave(): Promise<void> {
    clearInterval(this.#satellites);
    await this.person.leave();
  }
}
