import { expect, test } from 'vitest';
import { Keyboard } from './keyboard';
import type { Router } from './route.svelte';

test('a page that goes takes its own keys away, and never those of the one that came', () => {
  const pressed: string[] = [];
  const keyboard = new Keyboard({} as Router, () => undefined);
  const leaveFirst = keyboard.take({ next: () => pressed.push('first') });
  press(keyboard, 'j');
  const leaveSecond = keyboard.take({ next: () => pressed.push('second') });
  leaveFirst();
  press(keyboard, 'j');
  leaveSecond();
  press(keyboard, 'j');
  expect(pressed).toEqual(['first', 'second']);
});

function press(keyboard: Keyboard, key: string): void {
  const target = { closest: () => null, matches: () => false };
  keyboard.press({ key, target, preventDefault: () => undefined } as unknown as KeyboardEvent);
}
