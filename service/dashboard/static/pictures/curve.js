/** How one trial learns: error or cost of train and dev by epoch. */

import { averagedBranch } from "../core/averages.js";
import { leftOut, readCurve } from "../core/branches.js";
import { commandText } from "../core/commands.js";
import { fill, h } from "../core/dom.js";
import { count, label } from "../core/format.js";
import { colour, faded } from "../core/theme.js";
import { fitted, linear } from "../charts/scales.js";
import { line, rule } from "../charts/layers.js";
import { Figure } from "../components/figure.js";
import { makeLegend } from "../components/legend.js";
import { choose } from "../components/parts.js";
import { Smoothing } from "../components/smoothing.js";
import { measured, objectiveMetric, plannedEpochs, trainingsOf } from "../core/search-math.js";
import { measuredAxis } from "./measured-axis.js";

/** What can be shown by epoch: a name for the choice and the columns it draws. */
const SHOWN = /** @type {Record<string, {title: string, columns: string[]}>} */ ({
  error: { title: "error", columns: ["train_error", "clean_train_error", "dev_error"] },
  cost: { title: "cost", columns: ["train_cost", "clean_train_cost", "dev_cost"] },
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
  const base = colour(column.startsWith("dev") ? "--data-2" : column.startsWith("clean") ? "--data-4" : "--data-1");
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
  /** @type {Curve | null} */
  let drawn = null;
  const smoothing = new Smoothing({ picture: "learning-curve", unit: "epochs", fallback: 0, changed: turned });
  const figure = new Figure({
    name: "learning-curve",
    title: "Learning curve",
    hint: trainingsOf(view.search.spec) > 1 ? "One fold after another. Each point is the mean over the folds so far at the same epoch of each; the last stretch is the mean of all folds." : "Training by epoch. A wide gap between train and dev is variance (overfitting); both high is bias.",
    controls: [control, smoothing.node, legend.node],
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
  function turned() {
    if (left && smoothing.beta) read();
    else if (drawn) draw(drawn);
  }
  /** @param {Curve} curve */
  function draw(curve) {
    drawn = curve;
    const shown = choice(curve.columns);
    if (!shown || !curve.branches.some((branch) => branch.epoch.length)) {
      figure.blank(noCurve(view.trial()));
      return;
    }
    const current = view.trial().branch;
    const layers = [];
    const all = [];
    const columns = shown.columns.filter((column) => curve.columns.includes(column));
    for (const branch of curve.branches) {
      for (const column of columns) {
        const values = /** @type {(number | null)[] | undefined} */ (branch[column]);
        if (!values) continue;
        for (const value of values) all.push(value);
        layers.push(...curveLayers(curve, branch, column, look(column, branch.branch, current), smoothing.beta, (index, average) => describePoint(view.search, curve, branch, columns, column, index, average)));
      }
    }
    legend.set(columns.map((column) => [label(column), look(column, current, current)]));
    left = leftOut(curve);
    const last = Math.max(...curve.branches.flatMap((branch) => branch.epoch.at(-1) ?? 1));
    figure.show(
      {
        summary: `${shown.title} of trial ${view.trial().number} over ${last} epochs${marked(steer)}`,
        x: { scale: linear(curve.branches[0]?.epoch[0] === 0 ? 0 : 1, Math.max(2, view.trial().ended ? last : Math.min(plannedEpochs(view.search.spec, view.trial()) ?? last, Math.max(10, Math.ceil(last * 1.25)))), { integers: true }), title: "epoch" },
        y: measuredAxis(view.search, shown.columns[0] ?? "", fitted(all), shown.title),
        layers: [...foldEnds(view, last), ...layers, ...marks(steer, current)], // names of marks above the curves
      },
      async () => sheet(leftOut(curve) ? await readCurve(view.trial().id, view.signal, { whole: true }) : curve),
      left ? `${count(curve.total - left)} of ${count(curve.total)} epochs are drawn, including the lowest and highest; drag to zoom in and see all.` : "",
    );
  }
  const whole = () => figure.chart.zoomed !== null || smoothing.beta > 0; // an average of a part would be another one
  return { node: figure.node, draw, whole, fail: (/** @type {unknown} */ error) => figure.fail(error) };
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
 * A curve; when it is smoothed, its average, with the values themselves faint behind it.
 * @param {Curve} curve
 * @param {Branch} branch
 * @param {string} column
 * @param {string} hue
 * @param {number} beta
 * @param {(index: number, average: number | null | undefined) => import("../charts/layers.js").Description} describe
 */
function curveLayers(curve, branch, column, hue, beta, describe) {
  const x = branch.epoch;
  const y = /** @type {(number | null)[]} */ (branch[column]);
  if (!beta) return [line({ x, y, colour: hue, width: 2, end: "dot", describe: (index) => describe(index, null) })];
  const average = averagedBranch(curve, branch, column, beta);
  return [
    line({ x, y, colour: faded(hue, 0.3), width: 1 }),
    line({ x, y: average, colour: hue, width: 2, end: "dot", describe: (index) => describe(index, average[index]) }),
  ];
}

/**
 * @param {Search} search
 * @param {Curve} curve
 * @param {Branch} branch
 * @param {string[]} columns
 * @param {string} column the one that is pointed at
 * @param {number} index
 * @param {number | null | undefined} average of it, when it is smoothed
 */
function describePoint(search, curve, branch, columns, column, index, average) {
  const name = curve.branches.length > 1 ? `, branch ${branch.branch}` : "";
  const rows = columns.map((each) => /** @type {[string, string]} */ ([label(each), measured(search, each, /** @type {any} */ (branch[each])?.[index])]));
  if (average !== null && average !== undefined) rows.push([`${label(column)}, average`, measured(search, column, average)]);
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
