import { expect, test } from 'vitest';
import { address, read } from './route.svelte';

test('an address leads to its page, and one of no page says so', () => {
  const rows: [path: string, page: string, id: string | undefined, isUnknown: boolean][] = [
    ['/console', 'stops', undefined, false],
    ['/console/', 'stops', undefined, false],
    ['/console/stops?queue=held', 'stops', undefined, false],
    ['/console/devices/dev_1', 'devices', 'dev_1', false],
    [address('venues', 'größer/kleiner'), 'venues', 'größer/kleiner', false],
    ['/console/stops/%E0', 'stops', undefined, true],
    ['/console/nothing', 'stops', undefined, true],
  ];
  for (const [path, page, id, isUnknown] of rows) {
    const found = read(new URL(path, 'https://carhop.test'));
    expect([found.page, found.id, found.isUnknown], path).toEqual([page, id, isUnknown]);
  }
});
