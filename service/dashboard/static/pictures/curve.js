/** How one trial learns: error or cost of train and dev by epoch, and the cost of each mini-batch. */

import { leftOut, readCurve } from "../core/branches.js";
import { commandText } from "../core/commands.js";
import { fill, h } from "../core/dom.js";
import { count, label, number } from "../core/format.js";
import { colour, faded } from "../core/theme.js";
import { fitted, linear } from "../charts/scales.js";
import { line, rule } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { choose } from "../components/parts.js";
import { objectiveMetric, plannedEpochs, trainingsOf } from "../core/search-math.js";

/** What can be shown by epoch: a name for the choice and the columns it draws. */
const SHOWN = /** @type {Record<string, {title: string, columns: string[]}>} */ ({
  error: { title: "error", columns: ["train_error", "dev_error"] },
  cost: { title: "cost", columns: ["train_cost", "dev_cost"] },
  learning_rate: { title: "learning rate", columns: ["learning_rate"] },
  gradient_norm: { title: "gradient norm", columns: ["gradient_norm"] },
});

/** Columns that are no curve. */
const COUNTERS = ["epoch", "step", "seconds"];

/**
 * What there is to show of a curve: the usual pictures as far as it has their columns, and each other column by
 * itself. First comes the one with the objective.
 * @param {string[]} columns none before the first epoch
 * @param {string} objective
 */
function offered(columns, objective) {
  const usual = Object.entries(SHOWN).filter(([, shown]) => !columns.length || shown.columns.some((column) => columns.includes(column)));
  const named = usual.flatMap(([, shown]) => shown.columns);
  const own = columns.filter((column) => ![...named, ...COUNTERS].includes(column));
  const all = new Map([...usual, ...own.map((column) => /** @type {[string, {title: string, columns: string[]}]} */ ([column, { title: label(column), columns: [column] }]))]);
  const first = [...all].find(([, shown]) => shown.columns.includes(objective));
  return first ? new Map([first, ...all]) : all;
}

/**
 * @param {string} column
 * @param {number} branch
 * @param {number} current
 */
function look(column, branch, current) {
  const base = colour(column.startsWith("dev") ? "--data-2" : "--data-1");
  return branch === current ? base : faded(base, 0.35);
}

/**
 * @param {TrialView} view
 * @param {PageContext} context
 * @param {SteeredTrial} steer whose commands are marked, and which takes a point that is clicked
 * @param {() => void} read read the curve again: every epoch of it while a part is shown
 */
export function curvesPicture(view, context, steer, read) {
  const control = choose("What to show", [], "", (curve) => context.setQuery({ curve }));
  control.classList.add("small");
  let listed = "";
  /** @param {string[]} columns */
  function choice(columns) {
    const all = offered(columns, objectiveMetric(view.search));
    const [first = ""] = all.keys();
    const wanted = context.query.get("curve") ?? first;
    const [key, shown] = all.has(wanted) ? [wanted, all.get(wanted)] : [first, all.get(first)];
    const keys = [...all.keys()].join();
    if (keys !== listed) fill(control, [...all].map(([each, { title }]) => h("option", { value: each }, title)));
    listed = keys;
    control.value = key;
    return shown;
  }
  choice([]);
  const legend = makeLegend();
  const figure = new Figure({
    name: "learning-curve",
    title: "Learning curve",
    hint: trainingsOf(view.search.spec) > 1 ? "One fold after another. Each point is the mean over the folds so far at the same epoch of each; the last stretch is the mean of all folds." : "Training by epoch. A wide gap between train and dev is variance (overfitting); both high is bias.",
    controls: [control, legend.node],
    height: 320,
  });
  figure.chart.open = (point) => {
    const [epoch, branch] = point.slice(1).split("@").map(Number);
    steer.pick(epoch ?? 0, branch ?? 0);
  };
  let left = 0; // epochs that are not drawn
  figure.chart.turned = () => {
    if (left) read();
  };
  /** @param {Curve} curve */
  function draw(curve) {
    const shown = choice(curve.columns);
    if (!shown || !curve.branches.some((branch) => branch.epoch.length)) {
      figure.blank(noCurve(view.trial()));
      return;
    }
    const current = view.trial().branch;
    const layers = [];
    const all = [];
    for (const branch of curve.branches) {
      for (const column of shown.columns) {
        const values = /** @type {(number | null)[] | undefined} */ (branch[column]);
        if (!values) continue;
        for (const value of values) all.push(value);
        layers.push(line({ x: branch.epoch, y: values, colour: look(column, branch.branch, current), width: 2, end: "dot", describe: (index) => describePoint(curve, branch, shown.columns, index) }));
      }
    }
    legend.set(shown.columns.map((column) => [label(column), look(column, current, current)]));
    left = leftOut(curve);
    const last = Math.max(...curve.branches.flatMap((branch) => branch.epoch.at(-1) ?? 1));
    figure.show(
      {
        summary: `${shown.title} of trial ${view.trial().number} over ${last} epochs${marked(steer)}`,
        x: { scale: linear(curve.branches[0]?.epoch[0] === 0 ? 0 : 1, Math.max(2, view.trial().ended ? last : Math.min(plannedEpochs(view.search.spec, view.trial()) ?? last, Math.max(10, Math.ceil(last * 1.25)))), { integers: true }), title: "epoch" },
        y: { scale: fitted(all), title: shown.title },
        layers: [...foldEnds(view, last), ...layers, ...marks(steer, current)], // names of marks above the curves
      },
      async () => sheet(leftOut(curve) ? await readCurve(view.trial().id, view.signal, { whole: true }) : curve),
      left ? `${count(curve.total - left)} of ${count(curve.total)} epochs are drawn, including the lowest and highest; drag to zoom in and see all.` : "",
    );
  }
  const zoomed = () => figure.chart.zoomed !== null;
  return { node: figure.node, draw, zoomed, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * Upright lines at the ends of folds, where a trial has some.
 * @param {TrialView} view
 * @param {number} last epoch drawn
 */
function foldEnds(view, last) {
  const folds = trainingsOf(view.search.spec);
  const each = (plannedEpochs(view.search.spec, view.trial()) ?? 0) / folds;
  if (folds === 1 || !each) return [];
  const ends = Array.from({ length: Math.min(folds, Math.floor(last / each)) }, (_, index) => (index + 1) * each);
  return ends.map((at, index) => rule({ at, across: "x", colour: faded(colour("--ink"), 0.25), label: folds <= 12 ? `fold ${index + 1}` : "" }));
}

/** @param {Trial} trial one without an epoch */
function noCurve({ state, ended }) {
  if (state === "queued") return "Waiting for a free agent.";
  return ended ? "It ended during its first epoch, so there is nothing to draw." : "No epoch has ended yet.";
}

/**
 * @param {Curve} curve
 * @param {Branch} branch
 * @param {string[]} columns
 * @param {number} index
 */
function describePoint(curve, branch, columns, index) {
  const name = curve.branches.length > 1 ? `, branch ${branch.branch}` : "";
  const rows = columns.map((column) => /** @type {[string, string]} */ ([label(column), number(/** @type {any} */ (branch[column])?.[index])]));
  return { title: `Epoch ${branch.epoch[index]}${name}`, rows, open: `#${branch.epoch[index]}@${branch.branch}`, hint: "click to rewind or fork here" };
}

/** With more marks than this their words would cover the curve; they are in the list of commands. */
const LABELLED = 8;
const ROWS = 4;

/** @param {SteeredTrial} steer */
function applied(steer) {
  return (steer.now?.commands ?? []).filter(({ kind, state, epoch }) => state === "applied" && epoch !== null && ["set", "rewind"].includes(kind));
}

/**
 * The marks in words, for those who cannot see them.
 * @param {SteeredTrial} steer
 */
function marked(steer) {
  const all = applied(steer);
  return all.length ? `; marked: ${all.map((command) => `${commandText(command)} in epoch ${Number(command.epoch)}`).join("; ")}` : "";
}

/**
 * Upright lines where commands took effect, faint for those of other branches, and where a point is chosen.
 * @param {SteeredTrial} steer
 * @param {number} current
 */
function marks(steer, current) {
  const all = applied(steer);
  const lines = all.map((command, index) => {
    const here = command.branch === current;
    return rule({ at: Number(command.epoch), across: "x", colour: faded(colour("--data-3"), here ? 1 : 0.4), label: all.length < LABELLED && here ? commandText(command) : "", row: index % ROWS });
  });
  if (steer.point) lines.push(rule({ at: steer.point.epoch, across: "x", colour: colour("--ink"), dash: [], label: "chosen" }));
  return lines;
}

/** @param {Curve} curve */
function sheet(curve) {
  const names = curve.columns.filter((name) => name !== "epoch");
  return {
    names: ["branch", "epoch", ...names],
    rows: curve.branches.flatMap((branch) => branch.epoch.map((epoch, index) => [branch.branch, epoch, ...names.map((name) => /** @type {any} */ (branch[name])?.[index])])),
  };
}

/** @param {TrialView} view */
export function costsPicture(view) {
  const figure = new Figure({
    name: "mini-batch-cost",
    title: "Cost of each mini-batch",
    hint: "The cost of each mini-batch and its exponentially weighted average over about 10 steps. Noise is normal; a steady rise or wild swings mean the learning rate is too high.",
    height: 320,
  });
  /** @param {Curve} curve */
  function draw(curve) {
    const { step: steps, cost: costs } = curve.costs;
    figure.node.hidden = !steps.length && Boolean(view.trial().ended);
    if (!steps.length) {
      figure.blank("Waiting for the first costs.");
      return;
    }
    const smooth = averaged(costs);
    figure.show(
      {
        summary: `Cost over ${count(steps.at(-1))} steps, now ${number(smooth.at(-1))}`,
        x: { scale: linear(steps[0] ?? 0, steps.at(-1) ?? 1), title: "step" },
        y: { scale: fitted(costs), title: "cost" },
        layers: [
          line({ x: steps, y: costs, colour: colour("--faint"), width: 1 }),
          line({ x: steps, y: smooth, colour: colour("--data-1"), width: 2, describe: (index) => ({ title: `Step ${count(steps[index])}`, rows: [["cost", number(costs[index])], ["average", number(smooth[index])]] }) }),
        ],
      },
      () => ({ names: ["step", "cost", "average"], rows: steps.map((step, index) => [step, costs[index], smooth[index]]) }),
      (steps[0] ?? 0) > 1 ? `From step ${count(steps[0])} on: mini-batch costs are recorded after the first half second of training.` : "",
    );
  }
  return { node: figure.node, draw };
}

const BETA = 0.9;

/**
 * v = beta v + (1 - beta) theta, corrected for its start; a cost that is not finite is left out.
 * @param {(number | null)[]} values
 */
function averaged(values) {
  let average = 0;
  let weight = 1;
  return values.map((value) => {
    if (value === null) return null;
    average = BETA * average + (1 - BETA) * value;
    weight *= BETA;
    return average / (1 - weight);
  });
}
