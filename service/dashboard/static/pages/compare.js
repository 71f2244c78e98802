/** Comparison: several searches over their courses and distributions, or several trials over their curves and settings. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, label, text } from "../core/format.js";
import { bestOf, readCurve } from "../core/branches.js";
import { measured, minimizes, objectiveMetric, objectiveName } from "../core/search-math.js";
import { seriesColour } from "../core/theme.js";
import { empty, failedPage } from "../components/parts.js";
import { definitionText, relationText } from "../components/space.js";
import { edfPicture } from "../pictures/edf.js";
import { changes } from "./trial-branches.js";
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
    else fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Compare")), empty("Nothing to compare yet", h("p", null, "Select two to six searches in the list, or trials in the table of a search, and press Compare."), h("a", { class: "button", href: "/" }, "All searches")));
  } catch (error) {
    if (!isAbort(error)) fill(outlet, ...failedPage(error, "/", "All searches"));
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
  const heads = searches.map((search) => h("a", { href: `/searches/${search.id}` }, `${search.name} (search ${search.id})`));
  /** @type {[string, string[]][]} */
  const rows = [
    ["best value", searches.map((search) => measured(search, objectiveMetric(search), search.best?.value))],
    ...unionRows("best: ", searches.map((search) => search.best?.params ?? {})),
    ["trials finished", searches.map((search) => count(search.finished))],
    ["data set", searches.map((search) => String(search.spec.dataset?.name ?? "–"))],
    ["objective", searches.map((search) => objectiveName(search))],
    ["strategy", searches.map((search) => methodText(search.spec.strategy, "coarse to fine"))],
    ["stopping", searches.map((search) => methodText(search.spec.stopping, "none"))],
    ["seed", searches.map((search) => String(search.spec.seed ?? 0))],
    ...unionRows("", searches.map((search) => search.spec.settings ?? {})),
    ...unionRows("space: ", searches.map((search) => Object.fromEntries(Object.entries(search.spec.space).map(([name, definition]) => [name, Array.isArray(definition) ? definition.map(relationText).join("; ") : definitionText(definition)])))),
  ];
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Compare searches")), h("div", { class: "figures" }, courses.node, edf.node), difference(heads, rows));
  await Promise.all([courses.update(), edf.update()]);
}

/**
 * A strategy or stopping rule with its options: "coarse to fine, rounds 4".
 * @param {Method | null | undefined} method
 * @param {string} usual
 */
function methodText(method, usual) {
  if (!method) return usual;
  const { name, ...options } = method;
  return [label(name), ...Object.entries(options).map(([option, value]) => `${label(option)} ${text(value)}`)].join(", ");
}

/**
 * @param {HTMLElement} outlet
 * @param {string[]} ids each a trial, or one of its branches: 3.0@1
 * @param {AbortSignal} signal
 */
async function compareTrials(outlet, ids, signal) {
  const all = await Promise.all(ids.map((id) => compared(id, signal)));
  /** @type {Search} */
  const search = await call(`/searches/${all[0]?.trial.search}`, { signal });
  const metric = objectiveMetric(search);
  const best = all.map(({ branch }) => (branch ? bestOf(branch, metric, minimizes(search)) : null));
  const heads = all.map(({ trial, name }) => h("a", { href: `/trials/${trial.id}` }, name));
  const picture = trialCurvesPicture(all, search, signal);
  /** @type {[string, string[]][]} */
  const rows = [
    ["state", all.map(({ trial }) => trial.state)],
    ["last epoch", all.map(({ branch, trial }) => count(branch?.epoch.at(-1) ?? trial.epoch))],
    [`last ${label(metric)}`, all.map(({ branch, trial }) => measured(search, metric, /** @type {any} */ (branch?.[metric])?.at(-1) ?? trial.value))],
    [`best ${label(metric)} (epoch)`, best.map((point) => (point ? `${measured(search, metric, point.value)} (${count(point.epoch)})` : "–"))],
    ...unionRows("", all.map(({ trial }) => trial.params)),
    ...(all.some(({ changed }) => changed[0] !== "none") ? /** @type {[string, string[]][]} */ ([["changed during training", all.map(({ changed }) => changed.join(", "))]]) : []),
    ...(all.some(({ name }) => name.includes("branch")) ? [] : unionRows("result: ", all.map(({ trial }) => trial.metrics ?? {}), (name, value) => measured(search, name, value))),
  ];
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Compare trials")), h("div", { class: "figures" }, picture.node), difference(heads, rows));
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Compared>}
 */
async function compared(id, signal) {
  const [name = "", wanted] = id.split("@");
  /** @type {[Trial, Curve, Steering]} */
  const [trial, curve, steering] = await Promise.all([call(`/trials/${name}`, { signal }), readCurve(name, signal, { whole: false }), call(`/trials/${name}/steering`, { signal })]);
  const number = wanted === undefined ? trial.branch : Number(wanted);
  const branch = curve.branches.find((each) => each.branch === number) ?? (wanted === undefined ? curve.branches.at(-1) : undefined);
  return { trial, curve, branch, changed: changes(steering.branches, branch?.branch ?? 0), name: wanted === undefined ? `Trial ${trial.id}` : `Trial ${trial.id}, branch ${wanted}` };
}

/**
 * One row for each name that any of them has.
 * @param {string} prefix
 * @param {Record<string, unknown>[]} objects
 * @param {(name: string, value: any) => string} [write]
 * @returns {[string, string[]][]}
 */
function unionRows(prefix, objects, write = (/** @type {string} */ _, /** @type {unknown} */ value) => text(value)) {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  return names.map((name) => [prefix + label(name), objects.map((object) => write(name, object[name]))]);
}

/**
 * A table of what they have, rows that differ in bold.
 * @param {HTMLElement[]} heads
 * @param {[string, string[]][]} rows
 */
function difference(heads, rows) {
  const top = heads.map((head, index) => {
    const mark = h("i", { class: "mark" });
    mark.style.setProperty("background", seriesColour(index));
    return h("th", { scope: "col" }, mark, head);
  });
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Side by side"), h("span", { class: "muted" }, "differences are in bold")),
    h(
      "div",
      { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Side by side" },
      h("table", { class: "wraps" }, h("thead", null, h("tr", null, h("td"), top)), h("tbody", null, rows.map(([name, values]) => h("tr", { class: new Set(values).size > 1 ? "differs" : null }, h("th", { scope: "row" }, name), values.map((value) => h("td", { title: value }, value)))))),
    ),
  );
}
