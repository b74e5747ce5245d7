/** A server by itself and a browser for it, for the pages of a file of tests whose authority is played. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { browse } from './browser';
import { World } from './world';

/** What is there from the first test of a file to its last. */
export interface Stage {
  world: World;
  browser: Browser;
}

/** Has both started before the tests of the file and stopped after them. */
export function setStage(): Stage {
  const stage: Partial<Stage> = {};
  beforeAll(async () => {
    stage.world = await World.serveOnly();
    stage.browser = await browse(stage.world);
  });
  afterAll(async () => {
    await stage.browser?.close();
    stage.world?.stop();
  });
  return stage as Stage;
}
