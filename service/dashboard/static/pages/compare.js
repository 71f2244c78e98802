/** Comparison: several searches over their courses and distributions, or several trials over their curves and settings. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, label, number, text } from "../core/format.js";
import { objectiveName } from "../core/search-math.js";
import { colour } from "../core/theme.js";
import { empty, problem } from "../components/parts.js";
import { edfPicture, SERIES } from "../pictures/edf.js";
import { coursesPicture, trialCurvesPicture } from "../pictures/compare.js";

const MOST = 6;

/** @param {PageContext} context */
export async function page({ outlet, query, signal, title }) {
  title("Compare");
  const searches = list(query.get("searches"));
  const trials = list(query.get("trials"));
  try {
    if (searches.length > 1) await compareSearches(outlet, searches, signal);
    else if (trials.length > 1) await compareTrials(outlet, trials, signal);
    else fill(outlet, empty("Nothing to compare yet", h("p", null, "Tick two to six searches in the list of searches, or trials in the table of a search, and press Compare."), h("a", { class: "button", href: "/" }, "All searches")));
  } catch (error) {
    if (!isAbort(error)) fill(outlet, problem(error));
  }
}

/** @param {string | null} value */
function list(value) {
  return (value ?? "").split(",").filter(Boolean).slice(0, MOST);
}

/**
 * @param {HTMLElement} outlet
 * @param {string[]} ids
 * @param {AbortSignal} signal
 */
async function compareSearches(outlet, ids, signal) {
  /** @type {Search[]} */
  const searches = await Promise.all(ids.map((id) => call(`/searches/${id}`, { signal })));
  const courses = coursesPicture(() => searches, signal);
  const edf = edfPicture(() => searches, signal);
  const heads = searches.map((search) => h("a", { href: `/searches/${search.id}` }, search.name));
  /** @type {[string, string[]][]} */
  const rows = [
    ["best value", searches.map((search) => number(search.best?.value))],
    ["trials finished", searches.map((search) => count(search.finished))],
    ["data set", searches.map((search) => String(search.spec.dataset?.name ?? ""))],
    ["objective", searches.map((search) => objectiveName(search))],
    ["strategy", searches.map((search) => JSON.stringify(search.spec.strategy ?? "coarse_to_fine"))],
    ["stopping", searches.map((search) => JSON.stringify(search.spec.stopping ?? "none"))],
    ["seed", searches.map((search) => String(search.spec.seed ?? 0))],
    ...unionRows("", searches.map((search) => search.spec.settings ?? {})),
    ...unionRows("space: ", searches.map((search) => /** @type {Record<string, unknown>} */ (search.spec.space))),
  ];
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Compare searches")), h("div", { class: "figures" }, courses.node, edf.node), difference(heads, rows));
  await Promise.all([courses.update(), edf.update()]);
}

/**
 * @param {HTMLElement} outlet
 * @param {string[]} ids
 * @param {AbortSignal} signal
 */
async function compareTrials(outlet, ids, signal) {
  const [trials, curves] = await Promise.all([Promise.all(ids.map((id) => call(`/trials/${id}`, { signal }))), Promise.all(ids.map((id) => call(`/trials/${id}/curve`, { signal })))]);
  /** @type {Trial[]} */
  const all = trials;
  const picture = trialCurvesPicture(all, curves);
  const heads = all.map((trial) => h("a", { href: `/trials/${trial.id}` }, `Trial ${trial.id}`));
  /** @type {[string, string[]][]} */
  const rows = [
    ["value", all.map((trial) => number(trial.value))],
    ["state", all.map((trial) => trial.state)],
    ["epochs", all.map((trial) => count(trial.epoch))],
    ...unionRows("", all.map((trial) => trial.params)),
    ...unionRows("", all.map((trial) => /** @type {Record<string, unknown>} */ (trial.metrics ?? {}))),
  ];
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Compare trials")), h("div", { class: "figures" }, picture.node), difference(heads, rows));
}

/**
 * One row for each name that any of them has.
 * @param {string} prefix
 * @param {Record<string, unknown>[]} objects
 * @returns {[string, string[]][]}
 */
function unionRows(prefix, objects) {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  return names.map((name) => [prefix + label(name), objects.map((object) => text(object[name]))]);
}

/**
 * A table of what they have, rows that differ in bold.
 * @param {HTMLElement[]} heads
 * @param {[string, string[]][]} rows
 */
function difference(heads, rows) {
  const top = heads.map((head, index) => {
    const mark = h("i", { class: "mark" });
    mark.style.setProperty("background", colour(SERIES[index] ?? "--data-1"));
    return h("th", { scope: "col" }, mark, head);
  });
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Side by side"), h("span", { class: "muted" }, "what differs is in bold")),
    h(
      "div",
      { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Side by side" },
      h("table", null, h("thead", null, h("tr", null, h("td"), top)), h("tbody", null, rows.map(([name, values]) => h("tr", { class: new Set(values).size > 1 ? "differs" : null }, h("th", { scope: "row" }, name), values.map((value) => h("td", { title: value }, value)))))),
    ),
  );
}
