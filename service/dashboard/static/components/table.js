/** A table whose rows are kept by key and whose columns may be sorted by the server. */

import { fill, h, keyed } from "../core/dom.js";

/**
 * @template I
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(item: I) => import("../core/dom.js").Child} cell
 * @property {string} [sort] what the server sorts by
 * @property {boolean} [numeric]
 * @property {string} [hint]
 * @property {(cell: HTMLElement, item: I) => void} [update] for cells that live on; else they are written when their content differs
 */

/**
 * @template I
 */
export class Table {
  /**
   * @param {{columns: Column<I>[], key: (item: I) => string, label: string, sort?: string, sorted?: (sort: string) => void, row?: (node: HTMLElement, item: I) => void}} options
   */
  constructor({ columns, key, label, sort = "", sorted, row }) {
    this.key = key;
    this.sort = sort;
    this.sorted = sorted;
    this.row = row;
    this.head = h("tr");
    this.body = h("tbody");
    this.node = h("div", { class: "tablebox cards", tabindex: "0", role: "region", "aria-label": label }, h("table", null, h("thead", null, this.head), this.body));
    this.setColumns(columns);
  }

  /** @param {Column<I>[]} columns */
  setColumns(columns) {
    this.columns = columns;
    this.drawHead();
    this.body.textContent = "";
  }

  drawHead() {
    fill(this.head, (this.columns ?? []).map((column) => this.headCell(column)));
  }

  /** @param {string} sort */
  setSort(sort) {
    if (sort === this.sort) return;
    this.sort = sort;
    this.drawHead();
  }

  /** @param {Column<I>} column */
  headCell(column) {
    const kind = column.numeric ? "numeric" : null;
    if (!column.sort || !this.sorted) return h("th", { scope: "col", class: kind, title: column.hint }, column.title);
    const down = this.sort === `-${column.sort}`;
    const up = this.sort === column.sort;
    const next = up ? `-${column.sort}` : column.sort;
    return h(
      "th",
      { scope: "col", class: kind, "aria-sort": up ? "ascending" : down ? "descending" : "none", title: column.hint },
      h("button", { type: "button", class: "sort", onclick: () => this.sorted?.(next) }, column.title, h("span", { class: "arrow", "aria-hidden": "true" }, up ? "↑" : down ? "↓" : "")),
    );
  }

  /** @param {I[]} items */
  set(items) {
    const columns = this.columns ?? [];
    keyed(
      this.body,
      items,
      this.key,
      (item) => h("tr", null, columns.map((column) => h("td", { class: column.numeric ? "numeric" : null, "data-title": column.title, "data-key": column.key }, column.cell(item)))),
      (node, item) => {
        columns.forEach((column, index) => this.write(/** @type {HTMLElement} */ (node.children[index]), column, item));
        this.row?.(node, item);
      },
    );
  }

  /**
   * @param {HTMLElement} cell
   * @param {Column<I>} column
   * @param {I} item
   */
  write(cell, column, item) {
    if (column.update) {
      column.update(cell, item);
      return;
    }
    const content = column.cell(item);
    if (content instanceof Node) {
      if (!cell.firstChild?.isEqualNode(content)) fill(cell, content); // the same text may lead elsewhere
    } else if (cell.textContent !== String(content ?? "")) fill(cell, content);
  }
}
