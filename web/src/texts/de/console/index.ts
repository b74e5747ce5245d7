/** German, for the staff. */

import type { ConsoleTexts } from '../../en/console';
import { audit } from './audit';
import { devices } from './devices';
import { events } from './events';
import { frame } from './frame';
import { reasons } from './reasons';
import { stops } from './stops';
import { venues } from './venues';

export const de: ConsoleTexts = {
  ...frame,
  ...stops,
  ...devices,
  venues,
  ...audit,
  ...events,
  reasons,
};
