/** What mending each tagged cause would bring at most, and which parts of the data are worse. */

import { h } from "../core/dom.js";
import { count, number, percent } from "../core/format.js";

/**
 * What a part of the data is called.
 * @param {string} part
 */
export const partName = (part) => (part === "train_dev" ? "train-dev set" : "dev set");

/** @typedef {(value: number | null) => string} Told an error as it is shown */

/**
 * @param {Api["Causes"]} table
 * @param {Told} told
 * @param {(tag: string) => void} chosen
 */
export function causesTable(table, told, chosen) {
  const head = h("div", { class: "cardhead" }, h("h2", null, "What mending would bring"), h("span", { class: "muted" }, examined(table)));
  if (!table.causes.length) return [head, h("p", { class: "muted" }, "No row is tagged yet. Type a tag beside a row and press Enter.")];
  const heads = ["Tag", "Rows", "Of the error", "Error without", "Of examined", "Projected"];
  const hints = [null, "wrong answers with this tag", "their share of the whole error", "if all these rows were answered perfectly", "their share among rows that have any tag", "the error without it, if other rows are like those examined"];
  const rows = table.causes.map((cause) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, h("button", { type: "button", class: "linklike", title: "Show its rows", onclick: () => chosen(cause.tag) }, cause.tag)),
      [count(cause.wrong ?? cause.rows), percent(cause.share), told(cause.ceiling), cause.share_of_examined === null ? "–" : percent(cause.share_of_examined), told(cause.projected)].map((cell) => h("td", { class: "numeric" }, cell)),
    ),
  );
  return [head, box("Causes", heads, hints, rows)];
}

/** @param {Api["Causes"]} table */
function examined(table) {
  if (table.wrong === null) return `${count(table.examined)} rows examined`;
  return `${count(table.examined)} of ${count(table.wrong)} wrong answers examined`;
}

/**
 * @param {Api["Slices"]} found
 * @param {Told} told
 */
export function slicesTable(found, told) {
  const all = found.columns.flatMap((column) => column.slices.map((slice) => ({ column: column.name, ...slice })));
  const worse = all.filter((slice) => slice.real && slice.error > slice.rest);
  const head = h("div", { class: "cardhead" }, h("h2", null, "Which parts are worse"));
  const words = worse.length ? "These parts are worse than all other rows by more than chance." : "No part is worse than the others by more than chance.";
  const rest = h("details", null, h("summary", null, `All ${count(all.length)} parts`), table("All parts", all, told));
  return [head, h("p", { class: "hint" }, `${words} ${found.test}.`), worse.length ? table("Worse parts", worse, told) : null, all.length ? rest : null];
}

/**
 * @param {string} name
 * @param {(Api["Slice"] & {column: string})[]} slices
 * @param {Told} told
 */
function table(name, slices, told) {
  const rows = slices.map((slice) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, slice.column),
      h("td", null, slice.name),
      [count(slice.rows), told(slice.error), told(slice.rest), number(slice.p, 2)].map((cell) => h("td", { class: "numeric" }, cell)),
      h("td", null, slice.real ? "yes" : "no"),
    ),
  );
  return box(name, ["Column", "Part", "Rows", "Error", "All others", "p", "Real"], [], rows);
}

/**
 * @param {string} name
 * @param {string[]} heads
 * @param {(string | null)[]} hints
 * @param {HTMLElement[]} rows
 */
function box(name, heads, hints, rows) {
  const numeric = (/** @type {string} */ head) => !["Tag", "Column", "Part", "Real"].includes(head);
  return h("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": name }, h("table", null, h("thead", null, h("tr", null, heads.map((head, place) => h("th", { scope: "col", class: numeric(head) ? "numeric" : null, title: hints[place] ?? null }, head)))), h("tbody", null, rows)));
}
