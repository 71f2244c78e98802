/** Where the dashboard lies on its server: a proxy may serve it below a path of its own, and nobody is told. */

/** The path below which everything lies, "" at the root: this module is BASE/static/VERSION/core/base.js. */
export const BASE = new URL("../../../", import.meta.url).pathname.slice(0, -1);

/** The address of the server, for people to copy. */
export const SERVER = location.origin + BASE;

/**
 * An address of the dashboard as the browser knows it; others stay as they are.
 * @param {string} address
 */
export function outward(address) {
  return address.startsWith("/") ? BASE + address : address;
}

/** The path of the page as the dashboard knows it. */
export function here() {
  return location.pathname.slice(BASE.length) || "/";
}
