/** The decision boundary of a model over two columns, with rows of the dev set. */

import { call, withQuery } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, number, text } from "../core/format.js";
import { Figure, whenSeen } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { choose } from "../components/parts.js";
import { boundaryEntries, boundarySpec } from "./boundary-spec.js";

const RESOLUTION = 80;
const TOLD = 5; // columns whose held values are told

/**
 * @param {TrialView} view
 * @param {PageContext} context
 */
export function boundaryPicture(view, context) {
  /** @type {{x?: string, y?: string, row?: string, target?: string}} */
  const asked = { x: context.query.get("bx") ?? "", y: context.query.get("by") ?? "", row: context.query.get("brow") ?? "", target: context.query.get("btarget") ?? "" };
  const controls = h("span", { class: "controls" });
  const legend = makeLegend();
  const figure = new Figure({
    name: "decision-boundary",
    title: "Decision boundary",
    hint: "What the model answers over two columns, all others held. Points are rows of the dev set, judged with all their columns.",
    wide: true,
    height: 420,
    controls: [controls, legend.node],
  });
  const node = h("div", { class: "figures signedin", hidden: true }, figure.node);
  let loaded = "";
  let calls = 0;

  async function read() {
    const mine = (calls += 1);
    const path = withQuery(`/trials/${view.trial().id}/decision-boundary`, { resolution: RESOLUTION, ...asked });
    try {
      /** @type {Api["Boundary"]} */
      const found = await call(path, { signal: view.signal });
      if (mine !== calls) return;
      fill(controls, ...choices(found));
      legend.set(boundaryEntries(found));
      figure.show(boundarySpec(found), () => sheet(found), note(found));
    } catch (error) {
      if (!view.signal.aborted && mine === calls) figure.fail(error);
    }
  }

  /**
   * @param {"x" | "y" | "row" | "target"} what
   * @param {string} value
   */
  function ask(what, value) {
    asked[what] = value;
    context.setQuery({ [`b${what}`]: value || null });
    void read();
  }

  /** @param {Api["Boundary"]} found */
  function choices(found) {
    const { x, y, columns } = found;
    const select = (/** @type {"x" | "y"} */ what, /** @type {string} */ value, /** @type {string} */ other) => choose(`Column on ${what}`, columns.filter((name) => name !== other).map((name) => [name, name]), value, (name) => ask(what, name));
    const target = choose("Target", found.targets.map((name) => [name, name]), found.target ?? "", (name) => ask("target", name));
    const row = h("input", { type: "number", min: "1", value: asked.row ?? "", placeholder: "median", "aria-label": "Row of the dev set whose other columns are held", onchange: (/** @type {Event} */ event) => ask("row", /** @type {HTMLInputElement} */ (event.target).value) });
    const fields = [select("x", x.name, y.name), select("y", y.name, x.name), ...(found.targets.length > 1 ? [target] : []), row];
    for (const field of fields) field.classList.add("small");
    return [...fields.slice(0, -1), found.exact ? null : h("label", { class: "smallfield" }, "others as in row ", row)];
  }

  return {
    node,
    /** @param {boolean} hasModel */
    load(hasModel) {
      const { ended } = view.trial();
      if (!hasModel || !ended || (view.search.spec.trainer ?? "mlp") !== "mlp" || loaded === ended) return;
      loaded = ended;
      node.hidden = false;
      whenSeen(node, () => void read(), view.signal);
    },
  };
}

/** @param {Api["Boundary"]} found */
function note(found) {
  const { exact, held, row, points } = found;
  const told = held.slice(0, TOLD).map(({ name, value }) => `${name} ${value === null ? "missing" : text(value)}`).join(", ");
  const rest = found.columns.length + found.more_columns - 2 - Math.min(TOLD, held.length);
  const others = exact ? "The model has no other columns: this is its exact boundary." : `Held at ${row === null ? "their usual values" : `those of row ${row}`}: ${told}${rest > 0 ? ` and ${count(rest)} more` : ""}.`;
  return `${others}${points.row.length < points.total ? ` ${count(points.row.length)} of ${count(points.total)} rows of the dev set.` : ""}`;
}

/** @param {Api["Boundary"]} found */
function sheet(found) {
  const { x, y, answers, probabilities, classes } = found;
  const answer = (/** @type {number | undefined} */ value) => (probabilities ? classes[value ?? 0] : value);
  return {
    names: [x.name, y.name, probabilities ? "class" : (found.target ?? "answer"), ...(probabilities ? ["probability"] : [])],
    rows: y.values.flatMap((below, row) => x.values.map((beside, column) => [beside, below, answer(answers[row]?.[column]), ...(probabilities ? [number(probabilities[row]?.[column])] : [])])),
  };
}
