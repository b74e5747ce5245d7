/**
 * English. What a place such as `{driver}` stands for is filled in by whoever shows the text. Headlines are in the present
 * tense, name whom we wait for and blame nobody; none says a code of the interface.
 */

import { customer } from './customer';
import { driver } from './driver';
import { refusals } from './refusals';
import { shared } from './shared';

export const en = { ...shared, customer, driver, ...refusals };

/** What every language has. */
export type Texts = typeof en;
