/** Addresses: which page an address shows, links without reloading, and the view's state in the query. */

import { BASE, here, outward } from "./base.js";
import { fill, h } from "./dom.js";

/** How the parts of an address look that stand for something. */
const PARTS = /** @type {Record<string, string>} */ ({ search: "\\d+", trial: "\\d+\\.\\d+", dataset: "[\\w-]+" });

/** @type {{pattern: RegExp, route: Route}[]} */
let routes = [];

/** @type {AbortController} */
let current = new AbortController();
let shown = "";
/** @type {((query: URLSearchParams) => void)[]} */
let listeners = [];

/** Tells "page" at each change of page, with the address in the navigation that it belongs to. */
export const navigation = new EventTarget();

/**
 * Go to an address of this dashboard.
 * @param {string} address
 * @param {{replace?: boolean}} [options]
 */
export function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", outward(address));
  void show();
}

async function show() {
  const pathname = here();
  const query = new URLSearchParams(location.search);
  if (pathname === shown) {
    for (const listener of listeners) listener(query);
    return;
  }
  current.abort();
  current = new AbortController();
  listeners = [];
  shown = pathname;
  const { signal } = current;
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const match = routes.map(({ pattern, route }) => ({ route, found: pattern.exec(pathname) })).find(({ found }) => found);
  navigation.dispatchEvent(new CustomEvent("page", { detail: match?.route.under ?? match?.route.path }));
  if (!match?.found) {
    fill(main, h("div", { class: "empty" }, h("h1", null, "No such page"), h("p", null, "The address ", h("code", null, pathname), " does not exist."), h("p", null, h("a", { href: "/" }, "All searches"))));
    return;
  }
  const params = match.found.slice(1).map((part) => part ?? "");
  const { page } = await match.route.load();
  if (signal.aborted) return;
  const outlet = h("div", { class: "page" });
  fill(main, outlet);
  window.scrollTo(0, 0);
  await page(context(outlet, params, signal));
}

/**
 * @param {HTMLElement} outlet
 * @param {string[]} params
 * @param {AbortSignal} signal
 * @returns {PageContext}
 */
function context(outlet, params, signal) {
  return {
    outlet,
    params,
    signal,
    get query() {
      return new URLSearchParams(location.search);
    },
    setQuery(changes, { push = false } = {}) {
      if (!signal.aborted) go(changed(changes), { replace: !push });
    },
    onQuery(listener, until = signal) {
      if (until.aborted) return;
      listeners.push(listener);
      until.addEventListener("abort", () => {
        listeners = listeners.filter((one) => one !== listener);
      });
    },
    title: (text) => {
      document.title = `${text} - Caviar`;
    },
  };
}

/**
 * The present address with some of its query changed; null takes a name out.
 * @param {Record<string, string | null>} changes
 */
export function changed(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return here() + (text ? `?${text}` : "");
}

/**
 * Begin: show the present address, and follow links and the history from now on.
 * @param {Route[]} pages
 */
export function start(pages) {
  routes = pages.map((route) => ({ route, pattern: new RegExp(`^${route.path.replace(/\{(\w+)\}/g, (_, part) => `(${PARTS[part]})`)}$`) }));
  window.addEventListener("popstate", () => void show());
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const href = link?.getAttribute("href");
    if (!href?.startsWith(`${BASE}/`) || href.startsWith(`${BASE}/api/`) || link?.target || link?.hasAttribute("download")) return;
    event.preventDefault();
    go(href.slice(BASE.length));
  });
  return show();
}
