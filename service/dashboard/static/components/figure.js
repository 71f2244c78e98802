/** The card around a picture: title, one sentence of help, its controls, PNG and CSV, and what to show while there is nothing. */

import { Chart } from "../charts/chart.js";
import { fill, h } from "../core/dom.js";
import { go } from "../core/router.js";
import { colour } from "../core/theme.js";
import { problem } from "./parts.js";

/** @typedef {{names: string[], rows: Iterable<unknown[]>}} Sheet */

/** @param {unknown} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = /^[=+@\t]|^-(?!\d)/.test(text) ? `'${text}` : text; // a spreadsheet must not take text for a formula
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {Sheet} sheet */
export function csv(sheet) {
  const lines = [sheet.names.map(cell).join(",")];
  for (const row of sheet.rows) lines.push(row.map(cell).join(","));
  return `${lines.join("\n")}\n`;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export class Figure {
  /**
   * @param {{name: string, title: string, hint: string, height?: number, wide?: boolean, controls?: HTMLElement[], canvas?: {node: HTMLElement, png: (background: string) => Promise<Blob>}}} options
   */
  constructor({ name, title, hint, height = 280, wide = false, controls = [], canvas }) {
    this.name = name;
    this.chart = new Chart({ height, open: (address) => go(address) });
    this.drawing = canvas ?? this.chart;
    this.note = h("span", { class: "note" });
    this.overlay = h("div", { class: "overlay" }, h("span", { class: "loading" }, "Loading"));
    /** @type {(() => Sheet | Promise<Sheet>) | null} */
    this.sheet = null;
    this.reset = h("button", { type: "button", class: "small reset", onclick: () => this.chart.zoom(null) }, "Show all");
    this.controls = h("div", { class: "controls" }, controls);
    const png = h("button", { type: "button", class: "small", title: "Save the picture", "aria-label": `Save ${title} as PNG`, onclick: () => this.savePng() }, "PNG");
    const data = h("button", { type: "button", class: "small", title: "Save its data", "aria-label": `Save the data of ${title} as CSV`, onclick: () => this.saveCsv() }, "CSV");
    this.node = h(
      "section",
      { class: wide ? "figure wide" : "figure", id: `figure-${name}`, "aria-labelledby": `title-${name}` },
      h("header", null, h("h2", { id: `title-${name}` }, title), this.controls, h("span", { class: "spacer" }), this.reset, h("span", { class: "exports" }, png, data)),
      h("p", { class: "hint" }, hint),
      h("div", { class: "plot" }, this.drawing.node, this.overlay),
      this.note,
    );
  }

  /**
   * Show the picture.
   * @param {import("../charts/chart.js").Spec} spec
   * @param {() => Sheet | Promise<Sheet>} sheet
   * @param {string} [note]
   */
  show(spec, sheet, note = "") {
    this.chart.set(spec);
    this.ready(sheet, note);
  }

  /**
   * @param {() => Sheet | Promise<Sheet>} sheet
   * @param {string} [note]
   */
  ready(sheet, note = "") {
    this.sheet = sheet;
    this.overlay.hidden = true;
    this.node.classList.remove("blankfigure");
    this.node.dataset.ready = "true";
    if (this.note.textContent !== note) this.note.textContent = note;
  }

  /**
   * Say why there is no picture.
   * @param {...import("../core/dom.js").Child} children
   */
  blank(...children) {
    this.overlay.hidden = false;
    this.node.dataset.ready = "true";
    this.node.classList.add("blankfigure");
    fill(this.overlay, h("div", { class: "blank" }, ...children));
  }

  /**
   * Put words to the right of the drawing; on a small screen below it.
   * @param {HTMLElement} said
   */
  beside(said) {
    const plot = this.drawing.node.parentElement;
    const both = h("div", { class: "beside" });
    plot?.replaceWith(both);
    both.append(...(plot ? [plot] : []), said);
  }

  /** @param {unknown} error */
  fail(error) {
    this.overlay.hidden = false;
    fill(this.overlay, problem(error));
  }

  async savePng() {
    download(await this.drawing.png(colour("--surface")), `${this.name}.png`);
  }

  async saveCsv() {
    if (!this.sheet) return;
    download(new Blob([csv(await this.sheet())], { type: "text/csv" }), `${this.name}.csv`);
  }
}

/**
 * Call `work` once, when the node comes near the screen.
 * @param {Element} node
 * @param {() => void} work
 * @param {AbortSignal} signal
 */
export function whenSeen(node, work, signal) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      work();
    },
    { rootMargin: "200px" },
  );
  observer.observe(node);
  signal.addEventListener("abort", () => observer.disconnect());
}
