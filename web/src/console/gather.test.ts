import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Gathering } from './gather';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('steady traffic puts no reading off for ever', async () => {
  const read: string[][] = [];
  const gathering = new Gathering((ids) => {
    read.push(ids);
    return Promise.resolve();
  });
  for (let time = 0; time < 1000; time += 50) {
    gathering.add('one');
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(read.length).toBeGreaterThan(5);
  gathering.add('two');
  gathering.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(read).not.toContainEqual(['two']);
});
