/** The lineage of a population: a row for each member, a bar for each turn, a curve wherever one copied another. */

import { call } from "../core/api.js";
import { count, label, text } from "../core/format.js";
import { minimizes, objectiveName, objectiveValue } from "../core/search-math.js";
import { colour, faded } from "../core/theme.js";
import { rectangles } from "../charts/layers.js";
import { rampColour, ranks } from "../charts/ramp.js";
import { linear, scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { choose } from "../components/parts.js";

/** @typedef {Api["PopulationTurns"]} Turns */
/** @typedef {import("../charts/chart.js").Frame} Frame */

const GAP = 0.3; // of a turn's width, where the curves run
const RESULT = "";

/** @param {SearchView} view */
export function picture(view) {
  const { context, signal } = view;
  const names = Object.keys(view.search().spec.space).filter((name) => varies(view.search(), name));
  const options = [RESULT, ...names].map((name) => /** @type {[string, string]} */ ([name, name ? label(name) : "result in its turn"]));
  const shown = () => names.find((name) => name === context.query.get("lineage")) ?? RESULT;
  const control = choose("Colour of the turns", options, shown(), (name) => {
    context.setQuery({ lineage: name });
    if (latest) show(latest);
  });
  control.classList.add("small");
  const figure = new Figure({
    name: "lineage",
    title: "Lineage",
    hint: "A row for each member, a bar for each turn. A curve leads from a strong member to the one that copied it. Outlined: the way to the best trial.",
    wide: true,
    controls: [control],
  });
  /** @type {Turns | null} */
  let latest = null;

  async function update() {
    latest = await call(`/searches/${view.search().id}/population`, { signal });
    if (latest) show(latest);
  }

  /** @param {Turns} turns */
  function show(turns) {
    if (!turns.number.length) {
      figure.blank(turns.reason ?? "No member has begun yet.");
      return;
    }
    figure.chart.node.style.setProperty("height", `${70 + Math.round(turns.members * Math.max(8, Math.min(26, 480 / turns.members)))}px`);
    figure.show(chart(view.search(), turns, shown()), () => sheet(turns), note(view.search(), turns));
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * Whether copies vary a parameter: the server writes down which ones do.
 * @param {Search} search
 * @param {string} name
 */
function varies(search, name) {
  const { vary } = /** @type {{vary?: string[] | null}} */ (search.spec.strategy ?? {});
  return !vary || vary.includes(name);
}

/**
 * @param {Search} search
 * @param {Turns} turns
 * @param {string} shown the parameter by which bars are coloured, or none
 * @returns {import("../charts/chart.js").Spec}
 */
function chart(search, turns, shown) {
  const places = new Map(turns.number.map((trial, index) => [trial, index]));
  const best = new Set(turns.lineage.map((trial) => places.get(trial)));
  const end = Math.max(...turns.begun.map((begun) => begun + turns.epochs_per_turn), ...turns.epoch);
  const shades = shown ? ofSetting(search, turns, shown) : ofResults(turns, minimizes(search));
  const half = (/** @type {Frame} */ frame) => Math.min(8, frame.height / turns.members / 2.6);
  /** @param {number} index @param {Frame} frame */
  const box = (index, frame) => {
    const [begun, y] = [Number(turns.begun[index]), frame.y(turns.member[index])];
    const [x0, x1] = [frame.x(begun + GAP * turns.epochs_per_turn), frame.x(begun + turns.epochs_per_turn)];
    return { x0, x1, y0: y - half(frame), y1: y + half(frame) };
  };
  const rows = [...best].filter((index) => index !== undefined);
  return {
    summary: `${count(turns.number.length)} turns of ${turns.members} members; ${copies(turns)} of them copied another member`,
    x: { scale: linear(0, end, { integers: true }), title: "epoch" },
    y: { scale: linear(-0.6, turns.members - 0.4, { integers: true }), title: "member" },
    layers: [
      links(turns, places, best, box),
      rectangles({ count: turns.number.length, box, fill: (index) => shades[index] ?? "", describe: (index) => described(search, turns, index) }),
      rectangles({ count: rows.length, box: (place, frame) => box(Number(rows[place]), frame), stroke: () => colour("--best") }),
    ],
  };
}

/**
 * Curves from the end of a turn to the beginning of the one that goes on from it; those of the best way last.
 * @param {Turns} turns
 * @param {Map<number, number>} places
 * @param {Set<number | undefined>} best
 * @param {(index: number, frame: Frame) => {x0: number, x1: number, y0: number, y1: number}} box
 * @returns {import("../charts/chart.js").Layer}
 */
function links(turns, places, best, box) {
  const order = turns.number.map((_, index) => index).sort((a, b) => Number(best.has(a)) - Number(best.has(b)));
  return {
    draw(frame) {
      const { ctx } = frame;
      for (const index of order) {
        const from = places.get(turns.parent[index] ?? -1);
        if (from === undefined) continue;
        const [parent, own] = [box(from, frame), box(index, frame)];
        const [y0, y1] = [(parent.y0 + parent.y1) / 2, (own.y0 + own.y1) / 2];
        const copied = turns.member[from] !== turns.member[index];
        ctx.strokeStyle = best.has(index) ? colour("--best") : faded(colour(copied ? "--ink" : "--faint"), copied ? Math.max(0.2, Math.min(0.6, 12 / turns.members)) : 0.6);
        ctx.lineWidth = best.has(index) ? 2 : copied ? 1.25 : 1;
        const middle = (parent.x1 + own.x0) / 2;
        ctx.beginPath();
        ctx.moveTo(parent.x1, y0);
        ctx.bezierCurveTo(middle, y0, middle, y1, own.x0, y1);
        ctx.stroke();
      }
    },
  };
}

/**
 * Colours by the rank of a result among those of its turn: later turns are better anyway.
 * @param {Turns} turns
 * @param {boolean} minimize
 */
function ofResults(turns, minimize) {
  const shades = new Array(turns.number.length).fill(faded(colour("--faint"), 0.5));
  for (const turn of new Set(turns.turn)) {
    const rows = turns.number.map((_, index) => index).filter((index) => turns.turn[index] === turn);
    const values = rows.map((index) => turns.value[index] ?? null);
    const shares = ranks(values, minimize);
    for (const [place, index] of rows.entries()) {
      if (values[place] !== null) shades[index] = rampColour(shares[place] ?? 0);
      else if (["failed", "diverged"].includes(turns.state[index] ?? "")) shades[index] = colour("--bad");
    }
  }
  return shades;
}

/**
 * @param {Search} search
 * @param {Turns} turns
 * @param {string} name
 */
function ofSetting(search, turns, name) {
  const scale = scaleOf(search.spec.space[name] ?? {});
  return (turns.params[name] ?? []).map((value) => rampColour(scale.toUnit(/** @type {any} */ (value))));
}

/**
 * @param {Search} search
 * @param {Turns} turns
 * @param {number} index
 */
function described(search, turns, index) {
  const parent = turns.parent[index] ?? null;
  /** @type {[string, string][]} */
  const settings = turns.vary.map((name) => [label(name), text(turns.params[name]?.[index])]);
  /** @type {[string, string][]} */
  const rows = [["goes on from", parent === null ? "its seed" : `trial ${parent}`], ["epochs", `${turns.begun[index]} to ${turns.epoch[index]}`], [objectiveName(search), objectiveValue(search, turns.value[index] ?? null)], ...settings];
  return { title: `Trial ${turns.number[index]}, member ${turns.member[index]}, turn ${Number(turns.turn[index]) + 1}`, rows, open: `/trials/${search.id}.${turns.number[index]}` };
}

/** @param {Turns} turns */
function copies(turns) {
  const places = new Map(turns.number.map((trial, index) => [trial, index]));
  return turns.parent.filter((parent, index) => parent !== null && turns.member[places.get(parent) ?? -1] !== turns.member[index]).length;
}

/**
 * @param {Search} search
 * @param {Turns} turns
 */
function note(search, turns) {
  return turns.best === null ? "" : `The settings of the best by epoch: caviar schedule ${search.id}.${turns.best}`;
}

/** @param {Turns} turns */
function sheet(turns) {
  return {
    names: ["trial", "member", "turn", "goes_on_from", "begun", "epoch", "state", "value", ...turns.vary],
    rows: turns.number.map((trial, index) => [trial, turns.member[index], Number(turns.turn[index]) + 1, turns.parent[index], turns.begun[index], turns.epoch[index], turns.state[index], turns.value[index], ...turns.vary.map((name) => turns.params[name]?.[index])]),
  };
}
