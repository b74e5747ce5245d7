import { expect, test } from 'vitest';
import { createParser, type ServerEvent } from './stream';

const whole = ': alive\n\nevent: session\nid: 7\ndata: {"a":\ndata: 1}\n\r\ndata:x\r\n\r\n';
const expected: ServerEvent[] = [
  { event: 'session', id: '7', data: '{"a":\n1}' },
  { event: 'message', id: '7', data: 'x' },
];

test('events are found wherever the network cuts them', () => {
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const found: ServerEvent[] = [];
    const parse = createParser((event) => found.push(event));
    parse(whole.slice(0, cut));
    parse(whole.slice(cut));
    expect(found, `cut at ${cut}`).toEqual(expected);
  }
});

test('an event that is not finished is not told', () => {
  const found: ServerEvent[] = [];
  createParser((event) => found.push(event))('data: half');
  expect(found).toEqual([]);
});
