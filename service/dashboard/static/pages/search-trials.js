/** All trials of a search: sorted and filtered by the server, page by page, columns chosen, some selected to compare. */

import { call, isAbort, withQuery } from "../core/api.js";
import { outward } from "../core/base.js";
import { loadCatalog } from "../core/catalog.js";
import { fill, h, setText } from "../core/dom.js";
import { count } from "../core/format.js";
import { minimizes } from "../core/search-math.js";
import { choose, empty, problem } from "../components/parts.js";
import { Table } from "../components/table.js";
import { mayRunFailed, runFailed } from "./search-actions.js";
import { enqueuePoint } from "./search-enqueue.js";
import { allColumns, chosenColumns, columnMenu } from "./trial-columns.js";

const PAGE = 50;

/** @param {SearchView} view */
export async function view(view) {
  const { outlet, search, context, signal, live, refresh } = view;
  const { trialFields } = await loadCatalog();
  if (signal.aborted) return;
  const defaultSort = minimizes(search()) ? "value" : "-value";
  /** @type {Set<string>} */
  const selected = new Set((context.query.get("selected") ?? "").split(",").filter(Boolean));
  const place = h("div");
  const total = h("span", { class: "muted" });
  const filter = h("input", { type: "search", class: "grow", "aria-label": "Filter", placeholder: filterExample(search()), value: context.query.get("filter") ?? "", spellcheck: "false" });
  const said = h("div");
  const states = choose("State", [["", "all states"], ...Object.keys(search().counts).map((state) => /** @type {[string, string]} */ ([state, state]))], context.query.get("state") ?? "", (state) => context.setQuery({ state, cursor: null }));
  const compare = h("a", { class: "button", hidden: true }, "Compare");
  const rerun = h("button", { type: "button", class: "signedin", hidden: true, onclick: () => void runFailed(search(), refresh) }, "Re-run failed");
  const add = h("button", { type: "button", class: "signedin", onclick: () => enqueuePoint(search(), refresh) }, "Add a trial");
  const back = h("button", { type: "button", onclick: () => history.back() }, "Back");
  const next = h("button", { type: "button" }, "Next page");
  const table = new Table({
    columns: shownColumns(),
    key: (trial) => trial.id,
    label: "Trials",
    sort: context.query.get("sort") ?? defaultSort,
    sorted: (sort) => context.setQuery({ sort, cursor: null }),
  });
  const menu = columnMenu(search(), trialFields, () => {
    table.setColumns(shownColumns());
    void load();
  });

  function shownColumns() {
    return chosenColumns(search(), allColumns(search(), trialFields, selected, mark));
  }
  function mark() {
    const numbers = [...selected];
    context.setQuery({ selected: numbers.join(",") || null });
    drawCompare();
  }
  function drawCompare() {
    compare.hidden = selected.size < 2;
    compare.setAttribute("href", outward(`/compare?trials=${[...selected].map((number) => `${search().id}.${number}`).join(",")}`));
    setText(compare, `Compare ${selected.size}`);
  }

  fill(outlet, h("div", { class: "filters" }, filter, states, menu, h("span", { class: "spacer" }), compare, rerun, add), said, place, h("div", { class: "pager" }, total, h("span", { class: "spacer" }), back, next));
  drawCompare();
  let typing = 0;
  filter.addEventListener("input", () => {
    clearTimeout(typing);
    typing = window.setTimeout(() => context.setQuery({ filter: filter.value.trim(), cursor: null }), 250);
  });

  let loaded = "";
  async function load() {
    const { query } = context;
    if (query.get("view") !== "trials") return;
    const sort = query.get("sort") ?? defaultSort;
    table.setSort(sort);
    back.hidden = !query.get("cursor");
    rerun.hidden = !mayRunFailed(search());
    const path = withQuery(`/searches/${search().id}/trials`, { sort, state: query.get("state"), filter: query.get("filter"), limit: PAGE, cursor: query.get("cursor") });
    try {
      /** @type {Page<Trial>} */
      const found = await call(path, { signal });
      fill(said);
      filter.removeAttribute("aria-invalid");
      if (path !== loaded) loaded = path;
      setText(total, `${count(found.total)} ${found.total === 1 ? "trial" : "trials"}`);
      next.hidden = !found.next;
      next.onclick = () => context.setQuery({ cursor: found.next }, { push: true });
      if (!found.items.length) fill(place, nothing(search(), Boolean(query.get("filter") || query.get("state"))));
      else {
        if (!place.contains(table.node)) fill(place, table.node);
        table.set(found.items);
      }
    } catch (error) {
      if (isAbort(error)) return;
      filter.setAttribute("aria-invalid", "true");
      fill(said, problem(error));
    }
  }
  context.onQuery(() => void load(), signal);
  live(load, 700);
}

/**
 * @param {Search} search
 * @param {boolean} filtered
 */
function nothing(search, filtered) {
  if (!filtered) return empty("No trial has started yet", h("p", null, "Trials appear here when they start. A trial added above runs first."));
  return empty("No trial matches", h("p", null, "Filters read like ", h("code", null, filterExample(search)), "; join several with ", h("code", null, "and"), "."));
}

/** @param {Search} search */
function filterExample(search) {
  const [name, definition] = Object.entries(search.spec.space).find(([, each]) => each.low !== undefined) ?? [];
  if (!name || !definition) return "state=completed";
  const middle = definition.scale === "log" ? Math.sqrt(Number(definition.low) * Number(definition.high)) : (Number(definition.low) + Number(definition.high)) / 2;
  return `params.${name}<${Number(middle.toPrecision(2))}`;
}
