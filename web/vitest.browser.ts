import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take longest begin first: none of them is waited for alone in the end. */
const longest = ['states', 'codes', 'console-states', 'console-pages', 'mishaps', 'customer'];

class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.browser.ts`));
      return at < 0 ? longest.length : at;
    };
    return Promise.resolve(files.toSorted((one, other) => rank(one) - rank(other)));
  }
}

/** Journeys in a real browser against a real server; `cargo xtask test` builds both first. */
export default defineConfig({
  test: {
    include: ['tests/**/*.browser.ts'],
    environment: 'node',
    // Each file has a server of its own; more at once than this and none is as quick as its people expect.
    maxWorkers: 2,
    // In the order of their writing: what pages show is told before the browser is closed.
    sequence: { sequencer: LongestFirst, hooks: 'list' },
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
