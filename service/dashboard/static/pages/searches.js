/** All searches: state, progress, best value, its course, filter and sort. */

import { call, connection, isAbort, withQuery } from "../core/api.js";
import { outward } from "../core/base.js";
import { fill, h, setText } from "../core/dom.js";
import { count } from "../core/format.js";
import { failedText, isOver, isStudy, lostShares, measured, objectiveMetric, objectiveName, progressText, rateText, share, timeLeft } from "../core/search-math.js";
import { chip, command, empty, problem, Progress, setSearchChip, when } from "../components/parts.js";
import { sparkline } from "../components/sparkline.js";
import { Table } from "../components/table.js";
import { isFiltered, labelsOf, searchFilter, wanted } from "./searches-filter.js";

/** @type {Map<number, {finished: number, best: (number | null)[]}>} best-so-far of searches by their ids, as last seen */
const courses = new Map();

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, signal } = context;
  context.title("Searches");
  const total = h("span", { class: "muted" });
  const place = h("div");
  const compare = h("a", { class: "button", hidden: true }, "Compare");
  const table = new Table({ columns: columns(() => marked(place, compare)), key: (search) => String(search.id), label: "Searches", sort: context.query.get("sort") ?? "-created", sorted: (sort) => context.setQuery({ sort }) });
  const more = h("button", { type: "button", hidden: true }, "More");
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "Searches"), total, h("div", { class: "actions filters" }, compare, searchFilter(context))), place, more);

  let limit = 50;
  more.addEventListener("click", () => {
    limit += 50;
    void load();
  });

  async function load() {
    const { query } = context;
    const sort = query.get("sort") ?? "-created";
    table.setSort(sort);
    try {
      const found = await call(withQuery("/searches", { ...wanted(query), sort, limit }), { signal });
      setText(total, found.total ? count(found.total) : "");
      more.hidden = !found.next;
      if (!found.items.length) fill(place, nothing(query));
      else {
        if (!place.contains(table.node)) fill(place, table.node);
        table.set(found.items);
        for (const search of found.items) void drawCourse(table.body, search, signal);
      }
      return found.items.some((/** @type {Search} */ search) => !isOver(search));
    } catch (error) {
      if (!isAbort(error) && !place.contains(table.node)) fill(place, problem(error));
      return true;
    }
  }

  context.onQuery(() => void load());
  connection.addEventListener("up", () => void load(), { signal });
  const poll = async () => {
    const live = await load();
    if (!signal.aborted) setTimeout(poll, live ? 1500 : 6000);
  };
  await poll();
}

/** @param {URLSearchParams} query */
function nothing(query) {
  if (isFiltered(query)) return empty("No search matches", h("p", null, "Change the filter above, or ", h("a", { href: "/" }, "show all searches"), "."));
  return empty(
    "No searches yet",
    h("p", null, "A search tries many settings of a model and tells you which work best. Start from an example in the form, or from a terminal:"),
    command("caviar submit examples/digits.yaml --watch"),
    h("a", { class: "button primary", href: "/new?example=digits" }, "Start with the digits example"),
  );
}

/**
 * @param {HTMLElement} place
 * @param {HTMLAnchorElement} compare
 */
function marked(place, compare) {
  const ids = [...place.querySelectorAll("input:checked")].map((box) => /** @type {HTMLInputElement} */ (box).value);
  compare.hidden = ids.length < 2;
  compare.href = outward(`/compare?searches=${ids.join(",")}`);
  setText(compare, `Compare ${ids.length}`);
}

/**
 * @param {() => void} changed
 * @returns {import("../components/table.js").Column<Search>[]}
 */
function columns(changed) {
  return [
    { key: "mark", title: "", cell: (search) => h("input", { type: "checkbox", value: search.id, "aria-label": `Select ${search.name} to compare`, onchange: changed }), update: () => undefined },
    { key: "name", title: "Name", sort: "name", cell: (search) => h("div", null, h("a", { class: "searchname", href: `/searches/${search.id}` }, search.name, h("span", null, `${search.id} · ${isStudy(search) ? "study of Optuna" : `${search.spec.dataset?.name ?? (search.spec.trainer === "external" ? "own script" : "data")} · ${String(search.spec.strategy?.name ?? "coarse to fine").replaceAll("_", " ")}`}`)), h("div", { class: "labels" }, search.drift && h("span", { class: "failedtext", title: search.drift }, "re-test failed"), labelsOf(search))) },
    { key: "state", title: "State", cell: (search) => chip(search.state), update: (cell, search) => setSearchChip(/** @type {HTMLElement} */ (cell.firstElementChild), search) },
    { key: "progress", title: "Progress", cell: progressCell, update: drawProgress },
    { key: "best", title: "Best", numeric: true, cell: (search) => (search.best ? h("a", { href: `/trials/${search.best.trial}`, title: `trial ${search.best.number}` }, measured(search, objectiveMetric(search), search.best.value)) : "–") },
    { key: "metric", title: "Objective", cell: objectiveName },
    { key: "course", title: "Best so far", cell: () => h("span", { class: "course" }), update: () => undefined },
    { key: "rate", title: "Rate", numeric: true, cell: (search) => (isOver(search) ? "" : rateText(search.rate)) },
    { key: "created", title: "Submitted", sort: "created", cell: (search) => when(search.created) },
  ];
}

/** @type {WeakMap<Element, {bar: Progress, text: HTMLElement, failed: HTMLElement}>} what a cell of progress is made of */
const cells = new WeakMap();

function progressCell() {
  const parts = { bar: new Progress("Progress"), text: h("span"), failed: h("span", { class: "failedtext" }) };
  const node = h("div", { class: "progresscell" }, parts.bar.node, h("span", null, parts.text, parts.failed));
  cells.set(node, parts);
  return node;
}

/**
 * @param {HTMLElement} cell
 * @param {Search} search
 */
function drawProgress(cell, search) {
  const parts = cell.firstElementChild && cells.get(cell.firstElementChild);
  if (!parts) return;
  const left = timeLeft(search);
  const failed = failedText(search);
  parts.bar.set(share(search), search.state, lostShares(search));
  setText(parts.text, progressText(search) + (left ? `, ${left} left` : ""));
  setText(parts.failed, failed && `, ${failed}`);
}

/**
 * @param {HTMLElement} body
 * @param {Search} search
 * @param {AbortSignal} signal
 */
async function drawCourse(body, search, signal) {
  const place = body.querySelector(`tr[data-key="${search.id}"] .course`);
  const key = `${search.id}:${search.finished}`;
  if (!(place instanceof HTMLElement) || place.dataset.course === key || !search.finished) return;
  place.dataset.course = key;
  try {
    let course = courses.get(search.id);
    if (course?.finished !== search.finished) {
      /** @type {Api["CourseOfSearch"]} */
      const history = await call(`/searches/${search.id}/history?points=48`, { signal });
      course = { finished: search.finished, best: history.best };
      courses.set(search.id, course);
    }
    fill(place, sparkline(course.best, `Best so far, down to ${measured(search, objectiveMetric(search), search.best?.value)}`));
  } catch (error) {
    if (!isAbort(error)) place.title = String(error);
  }
}
