/** What the pictures of several objectives draw. */

import { call } from "../core/api.js";

/** @type {WeakMap<SearchView, Promise<Api["Front"]>>} requests on their way, which the pictures share */
const coming = new WeakMap();

/**
 * The front of a search and its hypervolumes, or null where there is none: then the figure says why.
 * @param {SearchView} view
 * @param {import("../components/figure.js").Figure} figure
 */
export async function readFront(view, figure) {
  const front = await (coming.get(view) ?? ask(view));
  if (!front.reason) return front;
  figure.blank(front.reason);
  return null;
}

/** @param {SearchView} view */
function ask(view) {
  /** @type {Promise<Api["Front"]>} */
  const asked = call(`/searches/${view.search().id}/front`, { signal: view.signal }).finally(() => coming.delete(view));
  coming.set(view, asked);
  return asked;
}
