import { expect, test } from 'vitest';
import { isEnding, matches, standingOf, toneOf, type Device, type Standing } from './fleet';

const now = Date.parse('2026-11-21T14:00:00Z');

test('a device stands as its gravest trouble says', () => {
  const rows: [Partial<Device>, Standing][] = [
    [{}, 'trusted'],
    [{ tier: 'certified' }, 'limited'],
    [{ tier: 'self_reported' }, 'limited'],
    [{ tier: 'none' }, 'not_attested'],
    [{ certified_until: '2026-11-21T13:59:59Z' }, 'expired'],
    [{ enrolled: false, tier: 'none' }, 'not_enrolled'],
    [{ tampered: true }, 'tampered'],
    [{ tampered: true, frozen: true }, 'frozen'],
    [{ frozen: true, revoked: 'lost' }, 'revoked'],
  ];
  for (const [change, standing] of rows) expect(standingOf(device(change), now)).toBe(standing);
  expect(toneOf('revoked')).toBe('stop');
  expect(toneOf('trusted')).toBe('go');
});

test('a certificate that was not renewed in time is said to end', () => {
  const rows: [string, number, boolean][] = [
    ['lock', 41, true],
    ['lock', 43, false],
    ['handset', 6, false],
    ['handset', 2.9, true],
    ['till', 12, false],
    ['relay', 5.9, true],
    ['pump', -1, false],
  ];
  for (const [kind, hours, isSo] of rows) {
    const until = new Date(now + hours * 3600_000).toISOString();
    const one = device({ class: kind, certified_until: until });
    expect(isEnding(one, now), `${kind}, ${hours} h`).toBe(isSo);
  }
});

test('a device is found by name, class, reference and firmware', () => {
  for (const words of ['bay 7', 'lock dev_0', 'A1A1', ''])
    expect(matches(device({}), words)).toBe(true);
  expect(matches(device({}), 'bay pump')).toBe(false);
});

function device(change: Partial<Device>): Device {
  return {
    id: 'dev_0',
    name: 'Bay 7 lock',
    class: 'lock',
    connected: true,
    enrolled: true,
    firmware: ['a1a1'],
    frozen: false,
    tampered: false,
    tier: 'attested',
    certified_until: '2027-02-01T00:00:00Z',
    ...change,
  };
}
