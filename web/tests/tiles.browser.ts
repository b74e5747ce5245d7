/** The staff's map on the operator's own tiles, from another origin; without them nothing foreign is asked (M-UXP-1). */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cornerOf } from '../src/console/tiles';
import { browse, Person, type Theme } from './support/browser';
import { join } from './support/people';
import { picture } from './support/shots';
import { TileHost } from './support/tiles';
import { until, World } from './support/world';

let host: TileHost;
let world: World;
let browser: Browser;
let staff: Person;

beforeAll(async () => {
  host = await TileHost.open();
  world = await World.start(
    `[map]\ntiles = "${host.origin}/{z}/{x}/{y}.png"\nattribution = "${attribution}"\n`,
  );
  const spki = `${world.spki},${host.certify(world.folder, 'handset')}`;
  browser = await browse({ origin: world.origin, spki });
  staff = (await join(browser, world, 'Ada Brandt', 'dispatcher')).person;
});

afterAll(async () => {
  await browser?.close();
  world?.stop();
  host?.close();
});

test('both maps lie on the tiles of one level around the venue, each where it belongs', async () => {
  const { page } = staff;
  // The page that one comes in by shows another level: what it asks for must not arrive later.
  await laid(page);
  await page.goto('about:blank');
  // What all of a town would show here is another level than what its one venue does.
  await look(page, { width: 1600, height: 1000, theme: 'light' });
  for (const path of ['stops', 'venues', 'venues/library']) {
    await page.goto('about:blank');
    host.asked.length = 0;
    await page.goto(`${world.origin}/console/${path}`);
    await laid(page);
    expect(levels(), path).toHaveLength(1);
    for (const tile of host.asked) {
      const [longitude, latitude] = cornerOf(tile);
      expect(Math.hypot(longitude - place.west, latitude - place.north)).toBeLessThan(0.1);
      // Who looks, and at which page, is not the host's to know.
      expect([tile.headers.referer, tile.headers.cookie]).toEqual([undefined, undefined]);
    }
    await expectAligned(page);
    await page.getByText(attribution, { exact: true }).waitFor();
    expect(await page.locator('.city .street, .city .house, .city .water').count()).toBe(0);
    expect(await staff.violations()).toEqual([]);
  }
  expect(foreign(staff.faults)).toEqual([]);
});

test('where the venue is known last, its own level alone is asked for', async () => {
  const { page } = staff;
  await page.goto('about:blank');
  host.asked.length = 0;
  const told = page.waitForResponse((one) => one.url().endsWith('/v1/account') && one.ok());
  await page.route('**/v1/venues?*', async (route) => {
    await told;
    await route.continue();
  });
  await page.goto(`${world.origin}/console/venues/library`);
  await laid(page);
  expect(levels()).toHaveLength(1);
  await page.unrouteAll();
});

test('where no venue is, no part of the world is asked for', async () => {
  const { page } = staff;
  const json = { data: [], has_more: false };
  await page.route('**/v1/venues?*', (route) => route.fulfill({ json }));
  host.asked.length = 0;
  const told = page.waitForResponse('**/v1/account');
  await page.goto(`${world.origin}/console/venues`);
  await told;
  await page.getByRole('heading', { name: 'No venues yet' }).waitFor();
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
  expect(host.asked).toEqual([]);
  await page.unrouteAll();
});

test('the map goes nearer by another level, and tiles stay where they belong', async () => {
  const { page } = staff;
  await page.goto(`${world.origin}/console/stops`);
  await laid(page);
  const zoom = host.asked.at(-1)?.zoom ?? 0;
  host.asked.length = 0;
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await until(() => host.asked.some((tile) => tile.zoom === zoom + 1), 'a nearer level');
  await laid(page);
  await expectAligned(page);
  expect(foreign(staff.faults)).toEqual([]);
});

test('where tiles are missing the ground is plain and everything else is there; at night they are dimmed', async () => {
  const { person } = await join(browser, world, 'Ben Ito', 'support');
  const { page } = person;
  host.has = () => false;
  await look(page, { width: 1440, height: 900, theme: 'dark' });
  await page.goto(`${world.origin}/console/stops`);
  await page.locator('.city .zone').first().waitFor({ state: 'attached' });
  const isMissing = async (): Promise<boolean> => {
    const tiles = await tilesOn(page);
    return tiles.length > 3 && tiles.every(({ width, isOver }) => isOver && width === 0);
  };
  await until(isMissing, 'no tile at all');
  await page.getByText(attribution, { exact: true }).waitFor();
  const filter = await page.locator('.tiles').evaluate((one) => getComputedStyle(one).filter);
  expect(filter).toContain('brightness');
  host.has = () => true;
  expect(foreign(person.faults)).toEqual([]);
  await person.leave();
});

test('without the setting the town is drawn, and no other origin is asked or let in', async () => {
  const plain = await World.serveOnly();
  const other = await browse(plain);
  try {
    const { person } = await join(other, plain, 'Ada Brandt', 'dispatcher');
    const shown = await person.page.goto(`${plain.origin}/console/stops`);
    const policy = (await shown?.allHeaders())?.['content-security-policy'];
    expect(policy).toContain("img-src 'self' data:;");
    await person.page.locator('.city .street').first().waitFor({ state: 'attached' });
    expect(await person.page.locator('.tiles, .attribution').count()).toBe(0);
    expect(person.faults).toEqual([]);
  } finally {
    await other.close();
    plain.stop();
  }
});

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', async () => {
  const { page } = staff;
  for (const width of [390, 1440]) {
    for (const theme of ['light', 'dark'] as const) {
      await look(page, { width, height: width === 390 ? 844 : 900, theme });
      await page.goto(`${world.origin}/console/venues/library`);
      await laid(page);
      await picture(page, `console-real-tiles-${width}-${theme}`);
    }
  }
});

/** The zoom levels that were asked for. */
const levels = (): number[] => [...new Set(host.asked.map(({ zoom }) => zoom))];

/** Waits until every tile on the page is there. */
async function laid(page: Page): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const tiles = await tilesOn(page);
    return tiles.length > 3 && tiles.every(({ width }) => width === 256);
  };
  await page.locator('.city .zone, .city .draft').first().waitFor({ state: 'attached' });
  await until(isThere, 'tiles');
}

interface Shown {
  address: string;
  width: number;
  isOver: boolean;
  box: { x: number; y: number; width: number; height: number };
}

function tilesOn(page: Page): Promise<Shown[]> {
  return page.locator('.tiles img').evaluateAll((all) =>
    (all as HTMLImageElement[]).map((one) => {
      const { x, y, width, height } = one.getBoundingClientRect();
      const box = { x, y, width, height };
      return { address: one.src, width: one.naturalWidth, isOver: one.complete, box };
    }),
  );
}

/** The venue's corner is drawn where the tiles have it, and neighbours touch. */
async function expectAligned(page: Page): Promise<void> {
  const zone = page.locator('.city .zone.parking, .city .draft.parking').first();
  const drawn = await zone.evaluate((path: SVGPathElement) => {
    const { x, y } = path.getBBox();
    const on = path.getScreenCTM();
    if (!on) throw new Error('not on the screen');
    const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(on);
    return { left, top };
  });
  const tiles = await tilesOn(page);
  const found = tiles.flatMap(({ address, box }) => {
    const [zoom = 0, column = 0, row = 0] =
      /\/(\d+)\/(\d+)\/(\d+)\.png$/.exec(address)?.slice(1).map(Number) ?? [];
    const [west, north] = cornerOf({ zoom, column, row });
    const [east, south] = cornerOf({ zoom, column: column + 1, row: row + 1 });
    const across = (place.west - west) / (east - west);
    const down = (place.north - north) / (south - north);
    if (across < 0 || across >= 1 || down < 0 || down >= 1) return [];
    return [{ left: box.x + across * box.width, top: box.y + down * box.height }];
  });
  expect(found.length).toBe(1);
  expect(Math.abs((found[0]?.left ?? 0) - drawn.left)).toBeLessThan(1.5);
  expect(Math.abs((found[0]?.top ?? 0) - drawn.top)).toBeLessThan(1.5);
  const edges = tiles.map(({ box }) => Math.round(box.x));
  for (const { box } of tiles) {
    const right = Math.round(box.x + box.width);
    expect(edges.includes(right) || right >= Math.max(...edges)).toBe(true);
  }
}

async function look(
  page: Page,
  { width, height, theme }: { width: number; height: number; theme: Theme },
): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
}

/** What a page must not do, but for asking the tile host for tiles. */
function foreign(faults: readonly string[]): string[] {
  const tile = new RegExp(`^a foreign request: ${host.origin}/\\d+/\\d+/\\d+\\.png$`);
  return faults.filter((fault) => !tile.test(fault));
}

/** The north-western corner of the venue that every world has. */
const place = { west: -122.084, north: 37.392 };
const attribution = '© makers of the test’s tiles';
