/** A drawing under way: what was changed and can be undone, what it would make of recent positions, and how it is kept. */

import { once, Refused, settled, type Problem, type Schemas } from '../api/client';
import {
  drawingOf,
  geojsonOf,
  permitted,
  withZone,
  withoutZone,
  type Drawing,
  type Drawn,
  type Service,
} from './fence';
import type { Staff } from './staff.svelte';

export type Tried = Schemas['TrialView']['fixes'][number];

export class Sketch {
  drawing = $state.raw<Drawing>({ name: '', zones: [] });
  /** Which zone is worked on. */
  chosen = $state(0);
  /** What the authority has, with its version. */
  stored = $state.raw<Schemas['VenueView']>();
  /** For which service the drawing is tried. */
  service = $state<Service>();
  tried = $state.raw<readonly Tried[]>();
  /** Why the drawing could not be tried or stored. */
  problem = $state.raw<Problem>();
  /** Why there is nothing to draw on. */
  missing = $state.raw<Problem>();
  #past = $state.raw<readonly Drawing[]>([]);

  constructor(
    readonly id: string,
    private readonly staff: Staff,
    fresh?: Drawing,
  ) {
    if (fresh) this.drawing = fresh;
    else void this.load();
  }

  readonly isChanged = $derived(this.#past.length > 0);
  readonly zone = $derived(this.drawing.zones[this.chosen]);
  readonly services = $derived(permitted(this.drawing));

  /** Takes the drawing as it is now; `whole` ends a change of many steps, such as a drag. */
  draw(drawing: Drawing, before: Drawing = this.drawing): void {
    this.#past = [...this.#past.slice(-undoMax), before];
    this.drawing = drawing;
    this.problem = undefined;
    this.chosen = Math.max(0, Math.min(this.chosen, drawing.zones.length - 1));
    // What a former drawing made of it is no answer any more.
    this.tried = undefined;
  }

  /** Shows a step of a change that is not over yet: it is undone as one. */
  sketch(drawing: Drawing): void {
    this.drawing = drawing;
    this.tried = undefined;
  }

  change(change: Partial<Drawn>): void {
    this.draw(withZone(this.drawing, this.chosen, change));
  }

  add(zone: Drawn): void {
    this.draw({ ...this.drawing, zones: [...this.drawing.zones, zone] });
    this.chosen = this.drawing.zones.length - 1;
  }

  removeZone(): void {
    this.draw(withoutZone(this.drawing, this.chosen));
  }

  undo(): void {
    const before = this.#past.at(-1);
    if (!before) return;
    this.#past = this.#past.slice(0, -1);
    this.drawing = before;
    this.chosen = Math.max(0, Math.min(this.chosen, before.zones.length - 1));
    this.tried = undefined;
  }

  async load(): Promise<void> {
    try {
      const params = { path: { venue: this.id } };
      this.#take(await settled(this.staff.api.GET('/v1/venues/{venue}', { params })));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.missing = error.problem;
    }
  }

  /** Asks what it would make of recent positions. */
  try = (): Promise<void> =>
    this.#ask(async () => {
      const service = this.services.find((one) => one === this.service) ?? this.services[0];
      const params = { path: { venue: this.id } };
      const drawing = this.drawing;
      const body = { geojson: geojsonOf(drawing), service: service ?? 'grocery_handoff' };
      const asked = this.staff.api.POST('/v1/venues/{venue}/trials', { params, body });
      const { fixes } = await settled(asked);
      if (this.drawing === drawing) this.tried = fixes;
    });

  /** Stores it as the next version, unless somebody else did so meanwhile. */
  save = (): Promise<void> =>
    this.#ask(async () => {
      const base = { 'If-Match': `"${this.stored?.version ?? 0}"` };
      const params = { path: { venue: this.id }, header: { ...once(), ...base } };
      const body = geojsonOf(this.drawing) as never;
      this.#take(await settled(this.staff.api.PUT('/v1/venues/{venue}', { params, body })));
    });

  #take(stored: Schemas['VenueView']): void {
    this.stored = stored;
    this.drawing = drawingOf(stored);
    this.#past = [];
    this.chosen = Math.max(0, Math.min(this.chosen, this.drawing.zones.length - 1));
  }

  async #ask(work: () => Promise<void>): Promise<void> {
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.problem = error.problem;
    }
  }
}

const undoMax = 50;
