/** What pages reckon with beforehand and the authority decides: its bounds. A test compares them with its sources. */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What was shown at the car counts for this long. */
export const presenceFreshMs = 10 * minuteMs;
/** The authority calls a trunk left open after this long. */
export const leftOpenMs = 90_000;
/** A stop can be disputed for so long after its end. */
export const disputeMsMax = 48 * hourMs;

/** How long a device's certificate lives, by its class; renewal comes at half of that. */
export const certificateMs: Record<string, number> = {
  handset: 12 * hourMs,
  console: dayMs,
  relay: dayMs,
  till: dayMs,
  vehicle_module: 7 * dayMs,
  lock: 7 * dayMs,
  pump: 7 * dayMs,
};
