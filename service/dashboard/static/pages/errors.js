/** Where a trial's model goes wrong: rows of the dev set to look at and to tag, what mending would bring, worse parts. */

import { call, isAbort, request, withQuery } from "../core/api.js";
import { fill, h, setText } from "../core/dom.js";
import { count, number, percent } from "../core/format.js";
import { download } from "../components/figure.js";
import { attempt, choose, empty, failedPage, problem, stat } from "../components/parts.js";
import { example, WRONG_LABEL } from "./errors-row.js";
import { causesTable, partName, slicesTable } from "./errors-tables.js";
import { makeVersion } from "./errors-version.js";

const PAGE = 20;

/** @typedef {{part: string | null, show: string | null, tag: string | null}} Asked */

/** @param {PageContext} context */
export async function page({ outlet, params, signal, title, query, setQuery, onQuery }) {
  const id = params[0] ?? "";
  title(`Errors of trial ${id}`);
  const address = `/trials/${id}/errors`;
  const asked = () => {
    const now = new URLSearchParams(location.search);
    return { part: now.get("part"), show: now.get("show"), tag: now.get("tag") };
  };
  const summary = h("div", { class: "stats" });
  const filters = h("div", { class: "filters" });
  const rows = h("ol", { class: "examples", "aria-label": "Rows, largest loss first" });
  const total = h("span", { class: "muted", role: "status" });
  const back = h("button", { type: "button" }, "Previous rows");
  const next = h("button", { type: "button" }, "Next rows");
  const causes = h("section", { class: "card", "aria-label": "Causes" });
  const slices = h("section", { class: "card", "aria-label": "Parts of the data" });
  const file = h("button", { type: "button", onclick: () => void save() }, "Download CSV");
  const correct = h("button", { type: "button", hidden: true, onclick: () => shown && makeVersion(address, shown) }, "Make a corrected data set…");
  /** @type {Api["Rows"] | null} */
  let shown = null;

  fill(outlet, h("p", { class: "loading", role: "status" }, "Comparing the model with the dev set …"));
  try {
    await load(query.get("offset"));
  } catch (error) {
    if (!isAbort(error)) fill(outlet, ...failedPage(error, `/trials/${id}`, `Trial ${id}`));
    return;
  }
  fill(
    outlet,
    crumbs(id),
    h("div", { class: "pagehead" }, h("h1", null, "Where it goes wrong"), h("div", { class: "actions" }, correct, file)),
    h("section", { class: "card", "aria-label": "Summary" }, summary),
    h("p", { class: "hint" }, "Look at a hundred rows and tag what is the matter with each. The table says how much mending a cause would bring at most. Rows of the test set are never shown here."),
    causes,
    filters,
    rows,
    h("div", { class: "pager" }, total, h("span", { class: "spacer" }), back, next),
    slices,
  );
  onQuery((now) => void again(now.get("offset")));

  /** @param {string | null} offset */
  async function again(offset) {
    try {
      await load(offset);
      rows.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (!isAbort(error)) fill(rows, h("li", null, problem(error)));
    }
  }

  /** @param {string | null} offset */
  async function load(offset) {
    const { part } = asked();
    const place = Number(offset ?? 0);
    const [found, table, compared] = await Promise.all([
      /** @type {Promise<Api["Rows"]>} */ (call(withQuery(address, { ...asked(), offset: place, limit: PAGE }), { signal })),
      /** @type {Promise<Api["Causes"]>} */ (call(withQuery(`${address}/tags`, { part }), { signal })),
      /** @type {Promise<Api["Slices"]>} */ (call(withQuery(`${address}/slices`, { part }), { signal })),
    ]);
    shown = found;
    fill(summary, stats(found));
    fill(filters, ...choices(found, tagsOf(table), asked(), setQuery));
    drawCauses(table);
    fill(slices, ...slicesTable(compared, (value) => errorText(found, value)));
    fill(rows, ...found.items.map((item) => example(found, item, tagsOf(table), (body) => tag(item, body))));
    rows.classList.toggle("pictured", found.image_shape !== null && !found.columns.length);
    if (!found.items.length) fill(rows, h("li", null, empty("No such rows", h("p", null, found.total ? "Go back to the first rows." : "Nothing is wrong here, or no row has this tag."))));
    const last = place + found.items.length;
    setText(total, found.items.length ? `Rows ${count(place + 1)} to ${count(last)} of ${count(found.total)}` : "");
    back.disabled = place === 0;
    next.disabled = last >= found.total;
    back.onclick = () => setQuery({ offset: place > PAGE ? String(place - PAGE) : null }, { push: true });
    next.onclick = () => setQuery({ offset: String(place + PAGE) }, { push: true });
  }

  /** @param {Api["Causes"]} table */
  function drawCauses(table) {
    const found = /** @type {Api["Rows"]} */ (shown);
    correct.hidden = !tagsOf(table).includes(WRONG_LABEL);
    fill(causes, ...causesTable(table, (value) => errorText(found, value), (tag) => setQuery({ tag, offset: null }, { push: true })));
  }

  /**
   * Say what is the matter with a row; gives the row as it is then, or nothing where it was refused.
   * @param {Api["Row"]} item
   * @param {Api["NewTags"]} body
   */
  async function tag(item, body) {
    const part = asked().part ?? "dev";
    const kept = await attempt(() => call(`${address}/${part}/${item.row}`, { method: "PUT", json: body, signal }));
    if (kept) drawCauses(await call(withQuery(`${address}/tags`, { part }), { signal }));
    return /** @type {Api["Row"] | undefined} */ (kept);
  }

  async function save() {
    const part = asked().part ?? "dev";
    const answer = await attempt(() => request(withQuery(`${address}/export`, asked()), { signal }));
    if (answer) download(await answer.blob(), `errors-${id}-${part}.csv`);
  }
}

/**
 * What is shown, to be chosen.
 * @param {Api["Rows"]} found
 * @param {string[]} tags
 * @param {Asked} asked
 * @param {PageContext["setQuery"]} setQuery
 */
function choices(found, tags, { part, show, tag }, setQuery) {
  const changed = (/** @type {string} */ name) => (/** @type {string} */ value) => setQuery({ [name]: value || null, offset: null }, { push: true });
  return [
    found.parts.length > 1 ? choose("Part of the data", found.parts.map((each) => [each, partName(each)]), part ?? "dev", changed("part")) : null,
    found.kind === "regression" ? null : choose("Which rows", [["wrong", "wrong answers"], ["all", "all answers"]], show ?? "wrong", changed("show")),
    choose("Tag", [["", "with any tag or none"], ...tags.map((each) => /** @type {[string, string]} */ ([each, each]))], tag ?? "", changed("tag")),
  ];
}

/** @param {Api["Rows"]} found */
function stats(found) {
  return [stat("Data set", found.dataset), stat("Part", partName(found.part)), stat("Rows", count(found.rows)), found.wrong === null ? null : stat("Wrong", count(found.wrong)), stat("Error", errorText(found, found.error))];
}

/** @param {string} id of the trial */
function crumbs(id) {
  const [search, of] = id.split(".");
  return h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: "/" }, "Searches"), "/", h("a", { href: `/searches/${search}` }, `search ${search}`), "/", h("a", { href: `/trials/${id}` }, `trial ${of}`), "/", h("span", null, "errors"));
}

/** @param {Api["Causes"]} table */
const tagsOf = (table) => table.causes.map((cause) => cause.tag);

/**
 * An error as it is shown: a share, or in standard deviations.
 * @param {Api["Rows"]} found
 * @param {number | null} value
 */
function errorText(found, value) {
  if (value === null) return "–";
  return found.kind === "regression" ? number(value) : percent(value);
}
