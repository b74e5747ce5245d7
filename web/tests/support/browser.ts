/** A real browser that reports whatever a page must never do. */

import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach } from 'vitest';
import { picture } from './shots';

/** A server whose pages are looked at. */
export interface Served {
  origin: string;
  /** SHA-256 of its certificate's key, for the browser to trust it; absent where there is no TLS. */
  spki?: string;
}

export type Theme = 'light' | 'dark';

/** What a window is to be like. */
export interface Window {
  width?: number;
  height?: number;
  theme?: Theme;
  locale?: string;
  /** Whether it is worked by fingers. */
  touch?: boolean;
}

/** A browser for one server. */
export async function browse(served: Served, flags: string[] = []): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(`there is no ${executablePath}; on Debian: apt-get install chromium`);
  }
  return chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--no-first-run'],
      ...(served.spki ? [`--ignore-certificate-errors-spki-list=${served.spki}`] : []),
      ...flags,
    ],
  });
}

/** A person with a browser of their own. */
export class Person {
  /** What pages did that they must not do: foreign requests, broken policies, errors. */
  readonly faults: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async sit(browser: Browser, served: Served, window: Window = {}): Promise<Person> {
    const { width = 390, height = 844, theme = 'light', locale = 'en-US', touch = false } = window;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      locale,
      reducedMotion: 'reduce',
      deviceScaleFactor: 1,
      hasTouch: touch,
    });
    const person = new Person(context, await context.newPage());
    seated.add(person);
    person.#watch(served.origin);
    return person;
  }

  /** What axe-core finds against WCAG 2.2 AA. */
  async violations(): Promise<string[]> {
    // The page's policy lets no foreign script in; the tester's arrives beside the page.
    const isThere = await this.page.evaluate(() => 'axe' in globalThis);
    if (!isThere) await this.page.evaluate(axe);
    const found = await this.page.evaluate(async () => {
      const axe = (globalThis as unknown as { axe: typeof import('axe-core') }).axe;
      const tags = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
      return (await axe.run(document, { runOnly: tags, resultTypes: ['violations'] })).violations;
    });
    return found.map(
      (one) =>
        `${one.id}: ${one.help} (${one.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join('; ')})`,
    );
  }

  /** Whether something sticks out sideways. */
  sticksOut(): Promise<boolean> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
  }

  /** What is on the page, for whoever has to find out why a test failed. */
  async tell(): Promise<string> {
    const body = this.page.locator('body');
    const seen = await body.innerText({ timeout: 5_000 }).catch((error: unknown) => String(error));
    return [this.page.url(), ...this.faults, seen].join('\n');
  }

  async leave(): Promise<void> {
    seated.delete(this);
    await this.context.close();
  }

  #watch(origin: string): void {
    this.page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${origin}/`) && !/^(data|blob|about):/.test(url)) {
        this.faults.push(`a foreign request: ${url}`);
      }
    });
    this.page.on('console', (message) => {
      const text = message.text();
      if (/Content Security Policy|Permissions policy/i.test(text)) this.faults.push(text);
    });
    this.page.on('pageerror', (error) => this.faults.push(`an error: ${error.message}`));
  }
}

/** Everybody who has a page open in this file of tests. */
const seated = new Set<Person>();

/** Says what everybody's page shows, before the browser is closed. */
async function tellAll(failed: string): Promise<void> {
  for (const [which, person] of [...seated].entries()) {
    console.error(`--- page ${which} when this failed: ${failed}\n${await person.tell()}`);
    await picture(person.page, `failed-${failed}-${which}`).catch(() => undefined);
  }
}

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await tellAll(task.name);
});

// Nothing but what every test needs has failed so far.
afterAll(async ({}, suite) => {
  if (suite.result?.state === 'fail') await tellAll(suite.name);
});

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
