/** English, for the staff: what happened, what is missing and what would help, without a code of the interface. */

import { audit } from './audit';
import { devices } from './devices';
import { events } from './events';
import { frame } from './frame';
import { reasons } from './reasons';
import { stops } from './stops';
import { venues } from './venues';

export const en = { ...frame, ...stops, ...devices, venues, ...audit, ...events, reasons };

/** What every language has. */
export type ConsoleTexts = typeof en;
