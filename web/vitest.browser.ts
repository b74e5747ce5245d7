import { defineConfig } from 'vitest/config';

/** Journeys in a real browser against a real server; `cargo xtask test` builds both first. */
export default defineConfig({
  test: {
    include: ['tests/**/*.browser.ts'],
    environment: 'node',
    // Each file has a server of its own; more at once than this and none is as quick as its people expect.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
