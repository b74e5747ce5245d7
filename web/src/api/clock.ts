/** The server's clock as this browser knows it: what a person is told about time must not hang on the phone's clock. */

let offsetMs = 0;
let isExact = false;

/** Takes the time that the server wrote into an answer: RFC 3339 to the millisecond, or an HTTP date. */
export function noteServerTime(text: string | null, receivedAtMs = Date.now()): void {
  const serverMs = text === null ? NaN : Date.parse(text);
  if (Number.isNaN(serverMs)) return;
  const hasMilliseconds = text?.endsWith('Z') ?? false;
  // A date of whole seconds says less than what is known already, unless they contradict each other.
  const told = serverMs - receivedAtMs + (hasMilliseconds ? 0 : 500);
  if (!hasMilliseconds && isExact && Math.abs(told - offsetMs) < 1500) return;
  offsetMs = told;
  isExact = hasMilliseconds;
}

/** A point in time as the interface writes it. */
export function rfc3339(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** The server's time now, in Unix milliseconds. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
