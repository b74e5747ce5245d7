/**
 * Keeps a page at hand, so that it opens without a connection: the customer's or the driver's, by where it is registered. It
 * keeps files alone: nothing that `/v1` says is ever answered from memory.
 */

/// <reference lib="webworker" />

const scope = globalThis as unknown as ServiceWorkerGlobalScope;
/** The page of this scope, whatever stands behind it in the address. */
const page = new URL(scope.registration.scope).pathname;
const kept = 'pages';

scope.addEventListener('install', () => void scope.skipWaiting());
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || origin !== scope.location.origin) return;
  if (pathname.startsWith('/assets/')) event.respondWith(fromMemory(event.request));
  else if (mode === 'navigate') event.respondWith(fromNetwork(event.request));
});

/** A file whose name holds a hash of it never changes. */
async function fromMemory(request: Request): Promise<Response> {
  const cache = await caches.open(kept);
  const found = await cache.match(request, ignoring);
  if (found) return found;
  const fresh = await fetch(request);
  if (fresh.ok) await cache.put(request, fresh.clone());
  return fresh;
}

/** The page as the server has it now, or as it was: it is the same for everyone. */
async function fromNetwork(request: Request): Promise<Response> {
  const cache = await caches.open(kept);
  try {
    const fresh = await fetch(request);
    // Pictures and scripts can be opened by their address too, and are no page.
    if (fresh.ok && isPage(fresh)) await cache.put(page, fresh.clone());
    return fresh;
  } catch (error) {
    const found = await cache.match(page, ignoring);
    if (found) return found;
    throw error;
  }
}

const isPage = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('text/html') === true;

/** What varies by encoding is the same to read. */
const ignoring = { ignoreVary: true };
