/** An authority that a test plays for one person, so that a page can be brought into any state there is. */

import type { Page, Route } from 'playwright-core';
import type { Live } from '../../src/api/client';
import type { Person, Served } from './browser';

/** What it says to the end of a path: a body, a status for a refusal, or something of its own. */
export type Answers = Record<string, object | number>;

export class Played {
  /** What the page asked to have changed, as `POST /v1/sessions/…/releases`. */
  readonly asked: string[] = [];
  #line: Route | undefined;
  #picksUp: (() => void) | undefined;
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Plays it from here on; what an earlier one was asked is not answered any more. */
  static async by({ page, context }: Person, answers: Answers, live?: Live): Promise<Played> {
    // The page before must not ask what this one is told.
    await page.goto('about:blank');
    await page.unrouteAll();
    await context.setOffline(false);
    const played = new Played(page);
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (request.method() === 'POST') played.asked.push(`POST ${pathname}`);
    });
    for (const [path, answer] of Object.entries(answers)) await played.answer(path, answer);
    let isFirst = live !== undefined;
    await page.route('**/live', (route) => {
      if (isFirst) {
        isFirst = false;
        return route.fulfill(event(live as Live));
      }
      played.#line = route;
      played.#picksUp?.();
      return undefined;
    });
    return played;
  }

  /** Answers otherwise from now on. */
  async answer(path: string, answer: object | number): Promise<void> {
    await this.#page.route(`**/v1/${path}`, (route) => route.fulfill(told(answer)));
  }

  /** Waits until the page listens for what comes next. */
  async listens(): Promise<void> {
    if (this.#line === undefined) await new Promise<void>((done) => (this.#picksUp = done));
  }

  /** Cuts the page off, once it listens: what it asks from then on stays unanswered. */
  async cutOff(): Promise<void> {
    await this.listens();
    await this.#page.context().setOffline(true);
  }

  /** Tells the page what a session has become, or refuses to tell it any more. */
  async say(what: Live | number): Promise<void> {
    await this.listens();
    const line = this.#line;
    this.#line = undefined;
    await line?.fulfill(typeof what === 'number' ? told(what) : event(what));
  }
}

/** Opens the customer's page, bound to a session that is as the test says. */
export async function showCustomer(
  person: Person,
  { origin }: Served,
  live: Live,
  answers: Answers = {},
): Promise<Played> {
  const played = await Played.by(
    person,
    {
      'links/redemptions': { session: live.session.id, token: 'chs_test' },
      'sessions/*/estimate': { minutes: 9, as_of: live.now },
      'sessions/*/codes': {
        ...{ proof: 'prf_0', code: '481920', scan: `CH1:${'6BFOXN*TS0BI$ZD4'.repeat(10)}` },
        ...{ expires_at: after(live, 118), issues_left: 2 },
      },
      'sessions/*/bindings': { intent: '00', window: live.session.window },
      ...answers,
    },
    live,
  );
  await person.page.goto(`${origin}/s#cht_test`);
  await person.page.locator('main button').first().click();
  await person.page.locator('article.card').first().waitFor();
  return played;
}

/** Opens the driver's page on a phone that is set up there and then. */
export async function setUpDriver(
  person: Person,
  { origin }: Served,
  live: Live,
  answers: Answers = {},
): Promise<Played> {
  const { id } = live.session;
  await person.context.grantPermissions(['geolocation']);
  await person.context.setGeolocation({ latitude: 37.391, longitude: -122.083, accuracy: 6 });
  const played = await Played.by(
    person,
    {
      'devices/enrolments': certified(live, 6 * hour),
      driver: { driver: 'drv_0', name: 'Mara Quist', device: 'dev_2', tier: 'certified' },
      'driver/stops': { data: [{ id, state: 'en_route', held: false }], has_more: false },
      'sessions/*/positions': { answer: 'inside', why: [], probability: 0.99, dwell_ms: 24_000 },
      ...answers,
    },
    live,
  );
  await person.page.goto(`${origin}/d#cht_test`);
  await person.page.locator('main button').first().click();
  return played;
}

/** Opens the driver's page at a stop that is as the test says. */
export async function showDriver(
  person: Person,
  served: Served,
  live: Live,
  answers: Answers = {},
): Promise<Played> {
  const played = await setUpDriver(person, served, live, answers);
  await person.page.locator('article.card').first().waitFor();
  return played;
}

/** A certificate of twelve hours that is to be renewed after so many seconds. */
export const certified = (live: Live, renewAfter: number): object => ({
  ...{ device: 'dev_2', expires_at: after(live, 12 * hour) },
  renew_at: after(live, renewAfter),
});

/** Why something was not done. */
export const refusal = (...codes: string[]): object => ({
  ...{ type: 'about:blank', title: '', status: 403, code: 'refused', retryable: false },
  ...{ trace_id: '', reasons: codes.map((code) => ({ code })) },
});

const after = (live: Live, seconds: number): string =>
  new Date(Date.parse(live.now) + seconds * 1000).toISOString();

function told(answer: object | number): { status?: number; json: object } {
  if (typeof answer === 'number') {
    return { status: answer, json: { ...refusal(), status: answer, code: 'internal' } };
  }
  return 'reasons' in answer ? { status: 403, json: answer } : { json: answer };
}

const event = (live: Live): { contentType: string; body: string } => ({
  contentType: 'text/event-stream',
  body: `event: session\ndata: ${JSON.stringify(live)}\n\n`,
});

const hour = 3600;
