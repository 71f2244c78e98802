/** What ends a problem of an upload at the press of a button: options of the data set, chosen one for each problem. */

import { h } from "../core/dom.js";

/** @typedef {Record<string, any>} Options what the server reads a file by: lists and objects of columns, or single values */

const PARTS = /** @type {const} */ ([["%Y", "year"], ["%y", "year"], ["%m", "month"], ["%d", "day"], ["%b", "month"], ["%B", "month"], ["%a, ", ""]]);

/** The fixes that were chosen for one file. */
export class Fixes {
  constructor() {
    /** @type {Options[]} what was sent already */
    this.sent = [];
    /** @type {Map<ProblemItem, Options>} what is to be sent next, for the problems in view */
    this.chosen = new Map();
  }

  /**
   * The options of the fields with those of the fixes, which count as sent from now on.
   * @param {Options} options
   */
  send(options) {
    this.sent.push(...this.chosen.values());
    this.chosen.clear();
    return this.sent.reduce(merged, options);
  }

  /**
   * A button for each fix of a problem; one may be chosen, and taken back.
   * @param {ProblemItem} problem
   */
  buttons(problem) {
    const fixes = /** @type {Options[]} */ (problem.fixes ?? []);
    const buttons = fixes.map((fix) => h("button", { type: "button", "aria-pressed": "false", onclick: () => this.#choose(problem, fix, buttons, fixes) }, words(fix)));
    return buttons.length ? h("span", { class: "fixes" }, buttons) : null;
  }

  /** What was sent with the file, each with a button that removes it. */
  list() {
    const items = this.sent.map((fix) => {
      const button = h("button", { type: "button", class: "quiet", "aria-label": `Remove: ${words(fix)}` }, words(fix), " ✕");
      button.addEventListener("click", () => {
        this.sent = this.sent.filter((each) => each !== fix);
        button.remove();
      });
      return button;
    });
    return items.length ? h("p", { class: "fixes" }, "Applied: ", items) : null;
  }

  /**
   * @param {ProblemItem} problem
   * @param {Options} fix
   * @param {HTMLElement[]} buttons
   * @param {Options[]} fixes
   */
  #choose(problem, fix, buttons, fixes) {
    if (this.chosen.get(problem) === fix) this.chosen.delete(problem);
    else this.chosen.set(problem, fix);
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(this.chosen.get(problem) === fixes[index])));
  }
}

/**
 * Options with those of a fix: lists and objects get longer, single values are replaced.
 * @param {Options} options
 * @param {Options} fix
 */
function merged(options, fix) {
  const both = { ...options };
  for (const [name, value] of Object.entries(fix)) {
    if (Array.isArray(value)) both[name] = [...new Set([...(both[name] ?? []), ...value])];
    else if (value !== null && typeof value === "object") both[name] = { ...both[name], ...value };
    else both[name] = value;
  }
  return both;
}

/**
 * What a button says that applies a fix.
 * @param {Options} fix
 */
function words(fix) {
  const [name = "", value] = Object.entries(fix)[0] ?? [];
  if (name === "ignore") return `Ignore ${value}`;
  if (name === "categorical") return `Use ${value} as a category`;
  if (name === "missing_values") return `Treat ${value.map((/** @type {string} */ text) => `“${text}”`).join(", ")} as missing`;
  if (name === "decimal") return value === "," ? "Decimal comma" : "Decimal point";
  if (name === "header") return value ? "The first line has names" : "The first line is a row";
  if (name === "dates") return dates(value);
  return `${name.replaceAll("_", " ")}: ${value}`;
}

/** @param {Options} columns */
function dates(columns) {
  const [column = "", how] = Object.entries(columns)[0] ?? [];
  if (typeof how === "string") return `Use ${column} as a date`;
  const form = PARTS.reduce((text, [code, word]) => text.replaceAll(code, word), String(how.format));
  return `Use ${column} as a date (${form})`;
}
