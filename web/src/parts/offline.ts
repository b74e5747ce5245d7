/** Has the browser keep a page, so that it opens without a connection. */

/** Registers the worker of `/s` or `/d`, and hands it what this visit has loaded already. */
export async function keepAtHand(page: '/s' | '/d'): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(`${page}/worker.js`, { scope: page });
    await navigator.serviceWorker.ready;
    const cache = await caches.open('pages');
    const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name));
    const files = loaded.filter(({ pathname }) => pathname.startsWith('/assets/'));
    await cache.addAll([page, ...new Set(files.map(({ pathname }) => pathname))]);
  } catch {
    // Without it the page needs a connection to open; nothing else is missing.
  }
}
