/** The test set: a person looks at it on purpose, with a reason, and every look stays on record. */

import { ApiError, call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, percent, text } from "../core/format.js";
import { openDialog } from "../components/dialog.js";
import { attempt, problem, when } from "../components/parts.js";

/** @param {TrialView} view */
export function finalTest(view) {
  const node = h("section", { class: "card signedin", id: "final-test", "aria-label": "Final test", hidden: true });
  let shown = "";

  /** @param {boolean} hasModel */
  async function load(hasModel) {
    const trial = view.trial();
    if (!trial.ended || !hasModel || view.search.spec.trainer === "external" || shown === trial.ended) return;
    shown = trial.ended;
    await draw();
  }
  async function draw() {
    const { id } = view.trial();
    try {
      /** @type {Api["Looks"]} */
      const { items } = await call(`/trials/${id}/test`, { signal: view.signal });
      node.hidden = false;
      fill(node, ...content(items, () => void look(id)));
    } catch (error) {
      if (isAbort(error) || (error instanceof ApiError && error.status === 403)) return; // readers see no test results
      node.hidden = false;
      fill(node, problem(error));
    }
  }
  /** @param {string} id */
  async function look(id) {
    const why = await reason();
    if (why === null) return;
    fill(node, h("p", { class: "muted", role: "status" }, "Testing the model …"));
    await attempt(() => call(`/trials/${id}/test`, { method: "POST", json: { why: why || null } }));
    await draw();
  }
  return { node, load };
}

/**
 * @param {Api["Look"][]} looks
 * @param {() => void} again
 */
function content(looks, again) {
  const button = h("button", { type: "button", class: looks.length ? "" : "primary", onclick: again }, looks.length ? "Test again" : "Test this model");
  const none = "The test set shows how good the winner really is, as long as no choice is based on it. Use it once, after you have chosen.";
  return [
    h("div", { class: "cardhead" }, h("h2", null, "Final test"), h("span", { class: "spacer" }), button),
    looks.length ? null : h("p", { class: "hint" }, none),
    ...looks.map(lookShown).reverse(),
  ];
}

/** @param {Api["Look"]} look */
function lookShown(look) {
  const rows = look.metrics.map((one) => h("tr", null, h("th", { scope: "row" }, one.name.replaceAll("_", " ")), ...[one.dev, one.value, one.low, one.high].map((value) => h("td", { class: "numeric" }, shownAs(one.name, value)))));
  const heads = ["Metric", "Dev set", "Test set", "95 % from", "to"].map((title) => h("th", { scope: "col" }, title));
  return h(
    "div",
    { class: "look" },
    h("p", null, h("strong", null, look.text[0]), " ", look.text.slice(1).join(" ")),
    look.warning ? h("p", { class: "warning-note" }, look.warning) : null,
    h("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": `Look ${look.nth}` }, h("table", { class: "snug" }, h("thead", null, h("tr", null, heads)), h("tbody", null, rows))),
    h("p", { class: "muted" }, `${count(look.rows)} rows · look ${count(look.nth)} at this test set · by ${look.who}, `, when(look.created), look.why ? ` · ${look.why}` : ""),
  );
}

/**
 * @param {string} name
 * @param {number} value
 */
function shownAs(name, value) {
  return name === "error" && value <= 1 ? percent(Number(value.toPrecision(3))) : text(Number(value.toPrecision(4)));
}

/** @returns {Promise<string | null>} why, or null if the person thought better of it */
function reason() {
  return new Promise((resolve) => {
    const why = h("input", { type: "text", id: "why-test", maxlength: "1000", placeholder: "final choice" });
    const yes = h("button", { type: "button", class: "primary" }, "Test");
    const back = h("button", { type: "button" }, "Back");
    const warning = "This look is recorded with your name. Once models are chosen by a test set, its figures are too good to trust.";
    const dialog = openDialog("Look at the test set?", [h("p", null, warning), h("label", { for: "why-test" }, "Why (optional)"), why], [back, yes]);
    /** @type {string | null} */
    let answer = null;
    const agree = () => {
      answer = /** @type {HTMLInputElement} */ (why).value.trim();
      dialog.close();
    };
    yes.addEventListener("click", agree);
    why.addEventListener("keydown", (event) => {
      if (event.key === "Enter") agree();
    });
    back.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => resolve(answer));
  });
}
