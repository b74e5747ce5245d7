import { defineConfig } from 'vitest/config';

/** Journeys in a real browser against a real server; `cargo xtask test` builds both first. */
export default defineConfig({
  test: {
    include: ['tests/**/*.browser.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
