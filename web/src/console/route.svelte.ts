/** Where in the console one is: all of it stands in the address, so that a link shows what its sender saw. */

/** The pages. */
export const pages = ['stops', 'decisions', 'devices', 'venues', 'policy', 'log'] as const;
export type Page = (typeof pages)[number];

export interface Route {
  page: Page;
  /** What of it is looked at. */
  id: string | undefined;
  query: URLSearchParams;
  /** Whether the address is none of a page. */
  isUnknown: boolean;
}

/** Reads an address; without a page it is that of the stops. */
export function read(url: URL): Route {
  const [, , name = '', id = ''] = url.pathname.split('/');
  const page = pages.find((one) => one === (name || 'stops'));
  const named = decoded(id);
  return {
    page: page ?? 'stops',
    id: named || undefined,
    query: url.searchParams,
    isUnknown: page === undefined || named === undefined,
  };
}

/** Part of a path as it was meant; nothing where it is not well formed. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The address of a page. */
export function address(
  page: Page,
  id?: string,
  query: Record<string, string | undefined> = {},
): string {
  const path = `/console/${page}${id ? `/${encodeURIComponent(id)}` : ''}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** The address bar, as the console follows it. */
export class Router {
  route = $state.raw<Route>(read(new URL(location.href)));

  constructor() {
    addEventListener('popstate', () => this.#look());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Goes somewhere; `replace` leaves no step back. */
  go(to: string, replace = false): void {
    if (to === location.pathname + location.search) return;
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    this.#look();
  }

  /** Changes part of the query and stays on the page. */
  set(change: Record<string, string | undefined>, replace = true): void {
    const query = new URLSearchParams(this.route.query);
    for (const [name, value] of Object.entries(change)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    this.go(location.pathname + (text ? `?${text}` : ''), replace);
  }

  #look(): void {
    this.route = read(new URL(location.href));
  }

  /** A plain click on a link of ours stays in the page; everything else is the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest?.('a[href^="/console"]');
    if (!link || link.hasAttribute('download')) return;
    event.preventDefault();
    this.go(link.getAttribute('href') ?? '/console');
  }
}
