/** The cost in the plane through the path that a trial's training took, with that path. */

import { call } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, number, percent } from "../core/format.js";
import { colour } from "../core/theme.js";
import { line, points } from "../charts/layers.js";
import { rampColour } from "../charts/ramp.js";
import { cells, isoline } from "../charts/raster.js";
import { linear } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { problem } from "../components/parts.js";

/** @typedef {Api["LossPlane"]} LossPlane */

const LEVELS = 9; // lines of equal cost

/** @param {TrialView} view */
export function lossPlanePicture(view) {
  const legend = makeLegend();
  const figure = new Figure({
    name: "loss-plane",
    title: "Cost around the path",
    hint: "The training cost in the plane of the first two principal components of the weights, and the path from the first weights to the last. A long narrow valley calls for momentum or Adam; a path that leaps across it for a lower learning rate.",
    wide: true,
    height: 420,
    controls: [legend.node],
  });
  const node = h("div", { class: "figures signedin", hidden: true }, figure.node);
  const button = h("button", { type: "button", onclick: () => void read() }, "Compute it");
  let offered = false;

  async function read() {
    fill(figure.overlay, h("span", { class: "loading", role: "status" }, "Going along the path once more"));
    try {
      /** @type {LossPlane} */
      const found = await call(`/trials/${view.trial().id}/loss-plane`, { signal: view.signal });
      const scale = heights(found);
      legend.set([0, 0.5, 1].map((share) => [`cost ${number(scale.at(share), 3)}`, rampColour(1 - share)]));
      figure.show(spec(found, scale), () => sheet(found), note(found));
    } catch (error) {
      if (!view.signal.aborted) figure.blank(problem(error), button);
    }
  }
  return {
    node,
    /** Offer it for a trial that has ended: it is computed when somebody asks. */
    load() {
      const { ended, epoch } = view.trial();
      if (offered || !ended || !epoch || (view.search.spec.trainer ?? "mlp") !== "mlp") return;
      offered = true;
      node.hidden = false;
      figure.blank(h("p", null, "The trial is trained once more where that takes seconds; else its checkpoints are used."), button);
    },
  };
}

/**
 * Costs as shares of what is drawn: on a log scale where they span decades; above the path's highest they flatten out.
 * @param {LossPlane} found
 */
function heights({ costs, path }) {
  const known = [...costs.flat(), ...path.cost].filter((cost) => cost !== null).sort((a, b) => a - b);
  const low = known[0] ?? 0;
  const middle = known[Math.floor(known.length * 0.9)] ?? 1;
  const high = Math.max(middle, ...path.cost.map((cost) => cost ?? low));
  const logarithmic = low > 0 && high / low > 10;
  const [from, to] = logarithmic ? [Math.log(low), Math.log(high)] : [low, high];
  return {
    share: (/** @type {number} */ cost) => Math.min(1, Math.max(0, ((logarithmic ? Math.log(cost) : cost) - from) / (to - from || 1))),
    at: (/** @type {number} */ share) => (logarithmic ? Math.exp(from + share * (to - from)) : from + share * (to - from)),
  };
}

/**
 * @param {LossPlane} found
 * @param {ReturnType<typeof heights>} scale
 * @returns {import("../charts/chart.js").Spec}
 */
function spec(found, scale) {
  const { x, y, costs, path, explained } = found;
  const grid = { x, y };
  const values = costs.map((along) => along.map((cost) => cost ?? NaN));
  const axis = (/** @type {number[]} */ along, /** @type {number} */ place) => ({ scale: linear(along[0] ?? 0, along.at(-1) ?? 1), title: `component ${place + 1} (${percent(explained[place])} of the variance)` });
  /** @type {(index: number) => import("../charts/layers.js").Description} */
  const describe = (index) => ({ title: `Step ${count(path.step[index])}`, rows: [["epoch", count(path.epoch[index])], ["cost", number(path.cost[index])]] });
  const ends = [0, path.step.length - 1];
  return {
    summary: `Training cost around the path of ${path.step.length} states, from ${number(path.cost[0])} to ${number(path.cost.at(-1))}`,
    x: axis(x, 0),
    y: axis(y, 1),
    layers: [
      cells({ grid, fill: (row, column) => shade(costs[row]?.[column], scale), describe: (row, column) => ({ title: `Cost ${number(costs[row]?.[column])}`, rows: [["component 1", number(x[column])], ["component 2", number(y[row])]] }) }),
      ...Array.from({ length: LEVELS }, (_, index) => isoline({ grid, values, level: scale.at((index + 1) / (LEVELS + 1)), colour: colour("--surface"), width: 1 })),
      line({ x: path.x, y: path.y, colour: colour("--data-2"), width: 2 }),
      points({ x: ends.map((at) => path.x[at]), y: ends.map((at) => path.y[at]), colour: colour("--ink"), size: 6 }),
      points({ x: path.x, y: path.y, colour: colour("--data-2"), size: 3.5, describe }),
    ],
  };
}

/**
 * @param {number | null | undefined} cost
 * @param {ReturnType<typeof heights>} scale
 */
function shade(cost, scale) {
  return cost === null || cost === undefined ? colour("--surface") : rampColour(1 - scale.share(cost));
}

/** @param {LossPlane} found */
function note(found) {
  const { rows, of_rows: all, source, path, explained, batch_norm: normalised, parameters } = found;
  const sample = rows < all ? `${count(rows)} of ${count(all)} rows` : `all ${count(rows)} rows`;
  const way = source === "checkpoints" ? `${count(path.step.length - 1)} checkpoints and the first weights` : `${count(path.step.length)} states of the same training once more`;
  return `Cost of ${sample} of the training set, without dropout and regulariser${normalised ? ", batch norm by these rows" : ""}; ${count(parameters)} weights. The path: ${way}. Both components hold ${percent((explained[0] ?? 0) + (explained[1] ?? 0))} of its variance: the path is drawn where it falls on the plane.${found.costs.flat().includes(null) ? " A blank cell has no finite cost." : ""}`;
}

/** @param {LossPlane} found */
function sheet({ x, y, costs }) {
  return { names: ["component 1", "component 2", "cost"], rows: y.flatMap((below, row) => x.map((beside, column) => [beside, below, costs[row]?.[column]])) };
}
