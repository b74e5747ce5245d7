/** The venues that the map of the stops shows, read once and again when that failed. */

import { settled } from '../api/client';
import { venueOf, type Venue } from './geo';
import type { Staff } from './staff.svelte';

export class VenueList {
  all = $state.raw<readonly Venue[]>([]);
  isMissing = $state(false);
  /** Whether there are more than were asked for. */
  hasMore = $state(false);

  constructor(private readonly staff: Staff) {
    void this.read();
  }

  read = async (): Promise<void> => {
    try {
      const query = { limit: 100 };
      const page = await settled(this.staff.api.GET('/v1/venues', { params: { query } }));
      this.all = page.data.map(venueOf);
      [this.isMissing, this.hasMore] = [false, page.has_more];
    } catch {
      this.isMissing = true;
    }
  };
}
