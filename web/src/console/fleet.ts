/** How far a device can be relied on, in one word, and what is due soon. Pure; what is permitted the authority says. */

import type { Schemas } from '../api/client';
import type { Tone } from '../customer/story';
import { certificateMs } from '../limits';

export type Device = Schemas['DeviceView'];

/** How a device stands, gravest first. */
export type Standing =
  | 'revoked'
  | 'frozen'
  | 'tampered'
  | 'not_enrolled'
  | 'expired'
  | 'not_attested'
  | 'limited'
  | 'trusted';

/** How it stands now. */
export function standingOf(device: Device, now: number): Standing {
  if (device.revoked) return 'revoked';
  if (device.frozen) return 'frozen';
  if (device.tampered) return 'tampered';
  if (!device.enrolled) return 'not_enrolled';
  if (device.certified_until && Date.parse(device.certified_until) <= now) return 'expired';
  if (device.tier === 'none') return 'not_attested';
  return device.tier === 'attested' ? 'trusted' : 'limited';
}

/** How that feels. */
export function toneOf(standing: Standing): Tone {
  switch (standing) {
    case 'trusted':
      return 'go';
    case 'limited':
    case 'not_enrolled':
      return 'calm';
    case 'not_attested':
    case 'expired':
      return 'warn';
    case 'revoked':
    case 'frozen':
    case 'tampered':
      return 'stop';
  }
}

/** Whether its certificate ends so soon that it should have been renewed long ago. */
export function isEnding(device: Device, now: number): boolean {
  const until = device.certified_until && Date.parse(device.certified_until);
  // One of a class that this page does not know yet is watched as the longest-lived are.
  const lifeMs = certificateMs[device.class] ?? Math.max(...Object.values(certificateMs));
  return typeof until === 'number' && until > now && until - now < lifeMs / 4;
}

/** Whether every word that was typed stands somewhere in it. */
export function matches(device: Device, words: string): boolean {
  const text = [device.name, device.id, device.class, ...device.firmware].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
