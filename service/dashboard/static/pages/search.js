/** One search: its head with progress and actions, and the views below it. */

import { call, connection, isAbort } from "../core/api.js";
import { here } from "../core/base.js";
import { fill, h } from "../core/dom.js";
import { go } from "../core/router.js";
import { follow, throttled } from "../core/stream.js";
import { isOver } from "../core/search-math.js";
import { failedPage } from "../components/parts.js";
import { SearchHead } from "./search-head.js";

/** @type {Record<string, {title: string, load: () => Promise<{view: (view: SearchView) => void | Promise<void>}>}>} */
const VIEWS = {
  overview: { title: "Overview", load: () => import("./search-overview.js") },
  trials: { title: "Trials", load: () => import("./search-trials.js") },
  pictures: { title: "Pictures", load: () => import("./search-pictures.js") },
  definition: { title: "Definition", load: () => import("./search-definition.js") },
};

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, params, signal } = context;
  const id = params[0];
  /** @type {Search} */
  let search;
  try {
    search = await call(`/searches/${id}`, { signal });
  } catch (error) {
    if (!isAbort(error)) fill(outlet, ...failedPage(error, "/", "All searches"));
    return;
  }
  context.title(search.name);
  const changes = new EventTarget();
  const refresh = async () => {
    try {
      take(await call(`/searches/${id}`, { signal }));
    } catch (error) {
      if (!isAbort(error)) console.warn(error);
    }
  };
  const head = new SearchHead(search, { replaced: take, removed: () => go("/"), refresh });
  const tabs = h("nav", { class: "tabs", "aria-label": "Views of the search" });
  const place = h("div", { class: "page" });
  /** What is found comes first once it is final; before, how far the search is. */
  function arrange() {
    const last = shown === "overview" && isOver(search) && search.best !== null;
    if (outlet.lastElementChild === (last ? head.progressCard : place) && outlet.contains(head.node)) return;
    if (last) fill(outlet, head.node, tabs, place, head.progressCard);
    else fill(outlet, head.node, head.progressCard, tabs, place);
  }

  /** @param {Search} next */
  function take(next) {
    const before = search;
    search = next;
    head.set(next);
    arrange();
    if (before.finished !== next.finished || before.state !== next.state) changes.dispatchEvent(new Event("trials"));
    listen();
  }

  let shown = "";
  let listening = false;
  /** Follow the search while it goes on; one that has ended may be given more to do. */
  function listen() {
    if (listening || isOver(search)) return;
    listening = true;
    const heard = (/** @type {import("../core/stream.js").Message} */ { event, data }) => {
      if (event === "search") take(data);
      else if (event === "trial") changes.dispatchEvent(new Event("trials"));
    };
    void follow(`/searches/${id}/events`, heard, signal).finally(() => {
      listening = false;
    });
  }

  let leave = new AbortController();
  async function show() {
    const wanted = context.query.get("view") ?? "overview";
    const name = wanted in VIEWS ? wanted : "overview";
    drawTabs(tabs, name);
    if (name === shown) return;
    shown = name;
    arrange();
    leave.abort();
    leave = new AbortController();
    const here = AbortSignal.any([signal, leave.signal]);
    const target = h("div", { class: "page" });
    fill(place, target);
    const module = await VIEWS[name]?.load();
    if (here.aborted) return;
    await module?.view({ search: () => search, outlet: target, context, signal: here, live: liveIn(changes, here), refresh });
  }

  context.onQuery(() => void show());
  connection.addEventListener("up", () => void refresh(), { signal });
  listen();
  await show();
}

/**
 * @param {EventTarget} changes
 * @param {AbortSignal} signal
 * @returns {SearchView["live"]}
 */
function liveIn(changes, signal) {
  return (work, least = 400) => {
    const again = throttled(work, least, signal);
    changes.addEventListener("trials", again, { signal });
    connection.addEventListener("up", again, { signal });
    again();
  };
}

/**
 * @param {HTMLElement} tabs
 * @param {string} shown
 */
function drawTabs(tabs, shown) {
  fill(
    tabs,
    Object.entries(VIEWS).map(([name, { title }]) => {
      const href = name === "overview" ? here() : `${here()}?view=${name}`;
      return h("a", { href, "aria-current": name === shown ? "page" : null }, title);
    }),
  );
}
