/** Small things many pages share: states, problems, empty states, toasts, progress, copy buttons. */

import { ApiError } from "../core/api.js";
import { h, setStyle, setText } from "../core/dom.js";
import { ago, moment, sentence, stopped } from "../core/format.js";
import { endedWithoutResult } from "../core/search-math.js";

/** @param {string} state */
export function chip(state) {
  const node = h("span", { class: "chip" });
  setChip(node, state);
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {string} state
 */
export function setChip(node, state) {
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  setText(node, state);
}

/**
 * The state of a search; one that is over without any result does not look like a success.
 * @param {HTMLElement} node
 * @param {Search} search
 */
export function setSearchChip(node, search) {
  const [state, words] = endedWithoutResult(search) ?? [search.state, search.state];
  node.dataset.state = state;
  setText(node, words);
}

/**
 * What the server refused, with its remedies.
 * @param {unknown} error
 * @param {(one: ProblemItem) => Node | null} below what stands below one of several problems
 */
export function problem(error, below = () => null) {
  if (!(error instanceof ApiError)) {
    const detail = error instanceof Error ? error.message : String(error);
    return h("div", { class: "problem", role: "alert" }, h("strong", null, "This could not be loaded. "), detail);
  }
  const { title, detail, errors = [] } = error.problem;
  const told = errors.map(({ field, message }) => `${field}: ${message}`).join("; "); // what the list says anyhow
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("strong", null, title),
    detail && detail !== title && !told.startsWith(detail) ? h("p", null, detail) : null,
    errors.length ? h("ul", null, errors.map((one) => h("li", null, one.field && one.field !== "body" ? h("code", null, one.field) : null, " ", stopped(one.message), one.remedy ? h("span", { class: "remedy" }, ` ${sentence(one.remedy)}`) : null, below(one)))) : null,
  );
}

/**
 * A whole page that cannot be shown, and where to go on.
 * @param {unknown} error
 * @param {string} href
 * @param {string} title
 */
export function failedPage(error, href, title) {
  const missing = error instanceof ApiError && error.status === 404;
  return [h("h1", null, missing ? "There is no such page" : "This page cannot be shown"), problem(error), h("p", null, h("a", { href }, title))];
}

/**
 * A place with nothing in it yet, and what to do about it.
 * @param {string} title
 * @param {...import("../core/dom.js").Child} children
 */
export function empty(title, ...children) {
  return h("div", { class: "empty" }, h("h2", null, title), ...children);
}

/**
 * A command to copy.
 * @param {string} text
 */
export function command(text) {
  return h("div", { class: "command" }, h("pre", { tabindex: "0" }, text), copyButton(text));
}

/** @param {string | (() => string)} text */
export function copyButton(text) {
  const button = h("button", { type: "button", class: "small" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(typeof text === "string" ? text : text());
    setText(button, "Copied");
    setTimeout(() => setText(button, "Copy"), 1500);
  });
  return button;
}

/**
 * Say something for a moment at the foot of the page.
 * @param {string} message
 * @param {"good" | "bad"} [kind]
 */
export function toast(message, kind = "good") {
  const node = h("div", { class: `toast ${kind}` }, message);
  document.getElementById("toasts")?.append(node);
  setTimeout(() => node.remove(), kind === "bad" ? 8000 : 3500);
}

/**
 * Do something a person asked for; what is refused is told where they look.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} [done]
 * @returns {Promise<T | undefined>}
 */
export async function attempt(work, done) {
  try {
    const result = await work();
    if (done) toast(done);
    return result;
  } catch (error) {
    const first = error instanceof ApiError ? error.problem.errors?.[0] : undefined;
    toast(first ? `${first.field}: ${first.message} ${first.remedy}` : error instanceof Error ? error.message : String(error), "bad");
    return undefined;
  }
}

/** A bar of how far something is, with the parts of it that failed or diverged in colours of their own. */
export class Progress {
  /** @param {string} name */
  constructor(name) {
    this.bar = h("span");
    this.parts = { diverged: h("span", { class: "divergedpart" }), failed: h("span", { class: "failedpart" }) };
    this.node = h("div", { class: "progress", role: "progressbar", "aria-label": name, "aria-valuemin": "0", "aria-valuemax": "100" }, this.bar, this.parts.diverged, this.parts.failed);
  }

  /**
   * @param {number} share from 0 to 1
   * @param {string} [state]
   * @param {{failed?: number, diverged?: number}} [lost] parts of the share
   */
  set(share, state = "", { failed = 0, diverged = 0 } = {}) {
    const percent = Math.max(0, Math.min(100, share * 100));
    setStyle(this.bar, { width: `${Math.max(0, percent - 100 * (failed + diverged)).toFixed(2)}%` });
    setStyle(this.parts.failed, { width: `${(100 * failed).toFixed(2)}%` });
    setStyle(this.parts.diverged, { width: `${(100 * diverged).toFixed(2)}%` });
    this.node.setAttribute("aria-valuenow", percent.toFixed(0));
    this.node.dataset.state = state;
  }
}

/**
 * A moment, as how long ago it was; the exact local time in the title.
 * @param {string | null} time
 */
export function when(time) {
  if (!time) return h("span", { class: "muted" }, "–");
  return h("time", { datetime: time, title: moment(time) }, ago(time));
}

/**
 * A name and a value, big.
 * @param {string} name
 * @param {...import("../core/dom.js").Child} value
 */
export function stat(name, ...value) {
  return h("div", { class: "stat" }, h("span", { class: "statname" }, name), h("span", { class: "statvalue" }, ...value));
}

/**
 * @param {string} name
 * @param {[string, string][]} options value and title
 * @param {string} value
 * @param {(value: string) => void} changed
 */
export function choose(name, options, value, changed) {
  const field = h("select", { "aria-label": name }, options.map(([each, title]) => h("option", { value: each, selected: each === value }, title)));
  field.addEventListener("change", () => changed(field.value));
  return field;
}
