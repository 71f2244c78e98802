/** What a search has found: the winner in its ranges, what it beats, what would mislead a reader, what to do next. */

import { call } from "../core/api.js";
import { fill, h, setStyle, setText } from "../core/dom.js";
import { label, percent, text } from "../core/format.js";
import { apart, explained, furtherMetrics, measured, objectiveMetric, objectiveName } from "../core/search-math.js";
import { attempt } from "../components/parts.js";
import { editSearch } from "./search-edit.js";

const ENOUGH = 5; // trials that importance needs
const SHOWN = 5;

/** @param {SearchView} view */
export function conclusion(view) {
  const notes = h("div", { class: "notes", hidden: true });
  const card = h("section", { class: "card conclusion", "aria-label": "Conclusion", hidden: true });
  const mattered = h("div", { class: "mattered" });
  const node = h("div", { class: "page" }, notes, card);
  let shown = "";

  async function update() {
    const search = view.search();
    /** @type {Api["SummaryRecord"]} */
    const found = await call(`/searches/${search.id}/summary`, { signal: view.signal });
    const key = JSON.stringify([found, search.state, search.version]);
    if (key === shown) return;
    shown = key;
    notes.hidden = !found.findings.length;
    fill(notes, found.findings.map((one) => finding(view, one)));
    card.hidden = !found.winner;
    if (found.winner) fill(card, ...content(view, found, found.winner, mattered));
    if (found.valued >= ENOUGH) await importance(view, mattered);
  }
  return { node, update };
}

/**
 * @param {SearchView} view
 * @param {Api["FindingRecord"]} one
 */
function finding(view, one) {
  const { id } = view.search();
  const act =
    one.kind === "edge" || one.kind === "diverged" ? h("a", { href: `/new?from=${id}` }, "Copy to a new search")
    : one.kind === "failed" ? h("a", { href: `/searches/${id}?view=trials&state=failed` }, "Show the failed trials")
    : one.kind === "idle" ? h("button", { type: "button", class: "small", onclick: () => editSearch(id, () => void view.refresh()) }, "Edit the search")
    : null;
  return h("p", { class: one.level === "warning" ? "warning-note" : "plain-note", "data-kind": one.kind }, h("strong", null, one.message), " ", one.remedy, " ", act);
}

/**
 * @param {SearchView} view
 * @param {Api["SummaryRecord"]} found
 * @param {Api["WinnerRecord"]} winner
 * @param {HTMLElement} mattered
 */
function content(view, found, winner, mattered) {
  const search = view.search();
  const model = winner.model ? h("a", { class: "button primary", href: `/api/v1/trials/${winner.trial}/model`, download: "" }, "Download the model") : null;
  return [
    h("div", { class: "cardhead" }, h("h2", null, heading(search, found.final)), h("span", { class: "spacer" }), model, h("a", { class: "button", href: `/trials/${winner.trial}` }, "Open the trial")),
    h("p", { class: "verdict" }, h("a", { href: `/trials/${winner.trial}` }, `Trial ${winner.number}`), ` · ${objectiveName(search)} `, h("strong", { class: "best" }, measured(search, objectiveMetric(search), winner.value)), winner.by === "fresh seeds" ? " (mean over fresh seeds)" : ""),
    h("ul", { class: "versus" }, versus(search, found).map((line) => h("li", null, line))),
    winner.model ? null : h("p", { class: "hint" }, "Its model was not stored. Train it again with ", h("code", null, `caviar replay ${winner.trial} --model best.model`)),
    h("div", { class: "columns" }, h("div", null, h("h3", null, "Its parameters in their ranges"), h("dl", { class: "places" }, winner.places.map((place) => placed(place, found.runner_up?.number)))), h("div", null, mattered, next(view, found))),
  ];
}

/**
 * With several objectives none wins: one leads by the first.
 * @param {Search} search
 * @param {boolean} final
 */
function heading(search, final) {
  if (furtherMetrics(search).length) return `Best by ${objectiveName(search)}`;
  return final ? "The winner" : "Leading so far";
}

/**
 * @param {Search} search
 * @param {Api["SummaryRecord"]} found
 */
function versus(search, found) {
  const { runner_up: second, trivial, diagnosis, valued } = found;
  const metric = objectiveMetric(search);
  const lines = [];
  const further = furtherMetrics(search);
  if (further.length) lines.push(h("span", null, `One of several objectives, beside ${further.map(label).join(" and ")}: `, h("a", { href: `/searches/${search.id}?view=pictures` }, "see the Pareto front")));
  if (second) {
    const link = h("a", { href: `/trials/${second.trial}` }, `trial ${second.number}`);
    lines.push(second.behind > 0 ? h("span", null, `${apart(search, metric, second.behind)} better than the second, `, link) : h("span", null, "As good as the second, ", link));
  }
  if (trivial) lines.push(`${trivial.better_by > 0 ? `${apart(search, metric, trivial.better_by)} better` : "No better"} than ${trivial.text} (${measured(search, metric, trivial.value)})`);
  const share = explained(search, metric, found.winner?.value);
  if (share) lines.push(`${share}: the share of the variance that it explains`);
  if (valued > 2) lines.push(`Chosen from ${valued} trials`);
  if (diagnosis && search.task !== "regression") lines.push(diagnosis);
  return lines;
}

/**
 * @param {Api["PlaceRecord"]} place
 * @param {number | undefined} second
 */
function placed(place, second) {
  const { at, edge, low, high } = place;
  const dot = h("i", { class: edge ? "atedge" : "" });
  if (at !== null) setStyle(dot, { left: `${(100 * at).toFixed(1)}%` });
  const bar = at === null ? null : h("div", { class: "rangebar", title: `from ${text(low)} to ${text(high)}` }, h("span", null, text(low)), h("div", null, dot), h("span", null, text(high)));
  const other = second !== undefined && place.second !== null ? h("span", { class: "muted" }, ` trial ${second}: ${text(place.second)}`) : null;
  return h("div", null, h("dt", null, label(place.parameter)), h("dd", null, h("strong", null, text(place.value)), edge ? h("span", { class: "badge" }, `at the ${edge} end`) : null, other), bar ? h("dd", null, bar) : null);
}

/**
 * @param {SearchView} view
 * @param {Api["SummaryRecord"]} found
 */
function next(view, found) {
  if (!found.final || !found.next.length) return null;
  return h("div", null, h("h3", null, "What to do next"), h("ol", { class: "steps" }, found.next.map((step) => h("li", null, step.text, " ", link(view, step)))));
}

/**
 * @param {SearchView} view
 * @param {Api["NextStepRecord"]} step
 */
function link(view, { kind, trial }) {
  const search = view.search();
  if (kind === "next_search") return h("a", { class: "button small", href: `/new?after=${trial}` }, "Open the next search");
  if (kind === "widen") return h("a", { class: "button small", href: `/new?from=${search.id}` }, "Copy to a new search");
  if (kind === "test") return h("a", { class: "button small", href: `/trials/${trial}#final-test` }, "Go to its final test");
  if (kind === "retrain") return h("button", { type: "button", class: "small", onclick: () => void retrain(view) }, "Retrain three leaders");
  return null;
}

/** @param {SearchView} view */
async function retrain(view) {
  const { id } = view.search();
  const reevaluate = { leaders: 3, seeds: 5 };
  await attempt(() => call(`/searches/${id}`, { method: "PATCH", json: { reevaluate } }));
  await view.refresh();
}

/**
 * @param {SearchView} view
 * @param {HTMLElement} node
 */
async function importance(view, node) {
  /** @type {Api["Importance"]} */
  const { items } = await call(`/searches/${view.search().id}/importance`, { signal: view.signal });
  if (!items.length) return;
  const bars = items.slice(0, SHOWN).map(({ parameter, importance: share }) => {
    const bar = h("i");
    setStyle(bar, { width: `${Math.max(1, 100 * share).toFixed(1)}%` });
    const value = h("span");
    setText(value, percent(Number(share.toPrecision(2))));
    return h("li", null, h("span", null, label(parameter)), h("div", { class: "sharebar" }, bar), value);
  });
  fill(node, h("h3", null, "What mattered"), h("ul", { class: "shares" }, bars));
}
