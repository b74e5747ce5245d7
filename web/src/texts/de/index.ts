/** German. */

import type { Texts } from '../en';
import { customer } from './customer';
import { driver } from './driver';
import { refusals } from './refusals';
import { shared } from './shared';

export const de: Texts = { ...shared, customer, driver, ...refusals };
