/** What a trial's model gets right and wrong on the dev set: a confusion matrix, or the residuals of a regression. */

import { call } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, number, percent } from "../core/format.js";
import { Figure } from "../components/figure.js";
import { choose, problem } from "../components/parts.js";
import { matrixSheet, matrixSpec } from "./confusion.js";
import { residualSheet, residualSpec } from "./residuals.js";

const PAIRS = 12;

/** @param {TrialView} view */
export function outcomesPicture(view) {
  const node = h("div", { class: "figures signedin", hidden: true });
  let loaded = "";
  /** @param {boolean} hasModel */
  async function load(hasModel) {
    const { id, ended } = view.trial();
    if (!hasModel || !ended || loaded === ended) return;
    loaded = ended;
    node.hidden = false;
    try {
      /** @type {Api["Predictions"]} */
      const found = await call(`/trials/${id}/predictions`, { signal: view.signal });
      fill(node, found.targets ? residuals(found, found.targets) : confusion(found));
    } catch (error) {
      if (!view.signal.aborted) fill(node, problem(error));
    }
  }
  return { node, load };
}

/** @param {Api["Predictions"]} found */
function confusion(found) {
  const { classes, matrix, confused } = found;
  const figure = new Figure({
    name: "confusion",
    title: "Confusion matrix",
    hint: "How the model classified the dev set: one row per true class, one column per predicted class. A dark cell off the diagonal is a frequent mistake.",
    wide: true,
    height: classes ? Math.max(190, Math.min(460, 70 + 30 * classes.length)) : 190,
  });
  figure.beside(mistakes(found));
  const note = `${count(found.rows)} examples of the dev set, ${percent(found.error)} wrong`;
  const pairs = () => ({ names: ["actual", "predicted", "count"], rows: (confused ?? []).map((each) => [each.actual, each.predicted, each.count]) });
  if (classes && matrix) figure.show(matrixSpec(classes, matrix), () => matrixSheet(classes, matrix), note);
  else {
    figure.ready(pairs, note);
    figure.blank(`A matrix of ${count(classes?.length)} classes is too large to read; the list shows the most frequent mistakes.`);
  }
  return figure.node;
}

/** @param {Api["Predictions"]} found */
function mistakes({ confused, rows }) {
  if (!confused?.length) return h("p", { class: "mistakes" }, `No mistake in ${count(rows)} examples.`);
  const name = "Most frequent mistakes";
  return h("div", { class: "mistakes" }, h("h3", null, name), h("ol", { class: "records", "aria-label": name }, confused.slice(0, PAIRS).map((each) => h("li", null, h("strong", null, each.actual), " predicted as ", h("strong", null, each.predicted), h("span", { class: "muted" }, each.count === 1 ? "once" : `${count(each.count)} times`)))));
}

/**
 * @param {Api["Predictions"]} found
 * @param {Api["Residuals"][]} targets
 */
function residuals(found, targets) {
  let target = targets[0];
  let shown = "actual";
  const kinds = choose("What to show", [["actual", "predicted against actual"], ["residual", "residuals"]], shown, (kind) => {
    shown = kind;
    draw();
  });
  const which = choose("Target", targets.map(({ name }) => [name, name]), targets[0]?.name ?? "", (name) => {
    target = targets.find((each) => each.name === name);
    draw();
  });
  which.hidden = targets.length < 2;
  for (const control of [kinds, which]) control.classList.add("small");
  const figure = new Figure({
    name: "residuals",
    title: "Residuals",
    hint: "Predictions on the dev set. Points on the line are exact; a bend or a fan in the residuals means the network misses a pattern.",
    wide: true,
    height: 320,
    controls: [kinds, which],
  });
  const measures = h("dl", { class: "mistakes settings" });
  figure.beside(measures);
  function draw() {
    if (!target) return;
    const each = target;
    const rows = /** @type {[string, string][]} */ ([["mean absolute error", number(each.mean_absolute_error)], ["root mean squared error", number(each.root_mean_squared_error)], ["share of the variance explained (R²)", each.r2 === null ? "–" : number(each.r2, 3)], ["examples of the dev set", count(found.rows)]]);
    fill(measures, rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
    const note = each.row.length < found.rows ? `${count(each.row.length)} of ${count(found.rows)} drawn: the worst and an even sample of the rest.` : "";
    figure.show(residualSpec(each, shown === "residual"), () => residualSheet(each), note);
  }
  draw();
  return figure.node;
}
