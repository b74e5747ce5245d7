/** Collects what changes within a moment, so that it is read once. */
export class Gathering {
  readonly #waiting = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly read: (ids: string[]) => Promise<void>) {}

  add(id: string): void {
    this.#waiting.add(id);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const ids = [...this.#waiting];
      this.#waiting.clear();
      // What could not be read now is read with the next change.
      void this.read(ids).catch(() => undefined);
    }, gatherMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

const gatherMs = 120;
