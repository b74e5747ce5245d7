import { expect, test } from 'vitest';
import type { Problem } from '../api/client';
import { isForLater } from './outbox.svelte';

test('what was not taken waits while it may still be taken, and is told once it may not', () => {
  for (const [status, retryable, waits] of [
    [0, true, true],
    [503, true, true],
    [500, false, true],
    [429, true, true],
    [401, false, true],
    [409, true, true],
    [409, false, false],
    [403, false, false],
    [404, false, false],
  ] as const) {
    expect(isForLater(problem(status, retryable)), `${status} ${retryable}`).toBe(waits);
  }
});

const problem = (status: number, retryable: boolean): Problem => ({
  ...{ type: 'about:blank', title: '', code: 'refused', reasons: [], trace_id: '' },
  ...{ status, retryable },
});
