/** Rounds of coarse to fine as nested boxes over two parameters, each with its reason in words beside it. */

import { call, isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { label, text } from "../core/format.js";
import { objectiveName, objectiveValue, parameterNames } from "../core/search-math.js";
import { colour, faded } from "../core/theme.js";
import { points, rectangles, words } from "../charts/layers.js";
import { scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { choose } from "../components/parts.js";

/** @param {SearchView} view */
export function picture(view) {
  const { context, signal } = view;
  const { spec } = view.search();
  const names = parameterNames(spec).filter((name) => !spec.space[name]?.choices);
  /** @param {string} axis @param {number} fallback */
  const axisOf = (axis, fallback) => {
    const name = context.query.get(axis);
    return name && names.includes(name) ? name : (names[fallback] ?? "");
  };
  const options = names.map((name) => /** @type {[string, string]} */ ([name, label(name)]));
  const controls = ["rx", "ry"].map((axis, index) => {
    const control = choose(`Parameter on ${axis.at(-1)}`, options, axisOf(axis, index), (name) => change({ [axis]: name }));
    control.classList.add("small");
    return control;
  });
  const figure = new Figure({
    name: "rounds",
    title: "Rounds",
    hint: "The region each round of coarse to fine searched: the whole space first, then boxes around the best trials. Press a round to see its box.",
    controls,
    height: 360,
    wide: true,
  });
  const list = h("ol", { class: "rounds", "aria-label": "Rounds in words" });
  figure.beside(list);
  /** @type {import("./sample.js").Sample | null} */
  let sample = null;
  /** @type {Api["Rounds"] | null} */
  let rounds = null;

  /** @param {Record<string, string>} query */
  function change(query) {
    context.setQuery(query);
    show();
  }

  /** @param {import("./sample.js").Sample} latest */
  async function draw(latest) {
    sample = latest;
    try {
      rounds = await call(`/searches/${view.search().id}/rounds`, { signal });
      show();
    } catch (error) {
      if (!isAbort(error)) figure.fail(error);
    }
  }

  function show() {
    if (!sample || !rounds) return;
    const { items, reason } = rounds;
    const wanted = Number(context.query.get("round") ?? NaN);
    const chosen = items.find((round) => round.index === wanted) ?? items.at(-1);
    list.hidden = !items.length;
    fill(list, [...items].reverse().map((round) => inWords(round, view.search().budget.trials, round === chosen, () => change({ round: String(round.index) }))));
    if (!chosen) figure.blank(reason ? `${reason}: it samples the whole space first, then zooms in.` : "No round has started.");
    else if (names.length < 2) figure.blank("This needs two parameters with ranges.");
    else figure.show(chart(view.search(), sample, items, chosen, [axisOf("rx", 0), axisOf("ry", 1)]), () => sheet(items), sample.note);
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}

/**
 * @param {Api["RoundRecord"]} round
 * @param {number | null | undefined} trials of the budget
 * @param {boolean} chosen
 * @param {() => void} pressed
 */
function inWords(round, trials, chosen, pressed) {
  const last = Math.min(round.first + round.size, trials ?? Infinity) - 1;
  const far = round.epochs ? `, ${round.epochs} epochs each` : "";
  return h(
    "li",
    null,
    h("button", { type: "button", class: "small", "aria-pressed": String(chosen), onclick: pressed }, `Round ${round.index}`),
    h("span", { class: "muted" }, `trials ${round.first} to ${last}${far}`),
    h("p", null, linked(round)),
    round.warnings.map((warning) => h("p", { class: "warning-note" }, warning)),
  );
}

/**
 * The reason, with the trials it names as links.
 * @param {Api["RoundRecord"]} round
 */
function linked(round) {
  const numbers = new Map(round.trials.map((id) => [id.slice(id.indexOf(".") + 1), id]));
  const [head, named, tail] = round.why.split(/(?<=^around trials? )([\d, ]+)(?= )/);
  if (!named) return [round.why];
  return [head ?? "", ...named.split(/(\d+)/).map((part) => (numbers.has(part) ? h("a", { href: `/trials/${numbers.get(part)}` }, part) : part)), tail ?? ""];
}

/**
 * @param {Search} search
 * @param {import("./sample.js").Sample} sample
 * @param {Api["RoundRecord"][]} rounds
 * @param {Api["RoundRecord"]} chosen
 * @param {[string, string]} names
 * @returns {import("../charts/chart.js").Spec}
 */
function chart(search, sample, rounds, chosen, [nameX, nameY]) {
  const [x, y] = [axis(search, sample, nameX), axis(search, sample, nameY)];
  const last = Math.max(1, rounds.at(-1)?.index ?? 1);
  /** @param {number | null | undefined} round */
  const shade = (round) => faded(colour("--data-1"), 0.2 + 0.8 * (Number(round ?? 0) / last));
  const order = [...rounds.filter((round) => round !== chosen), chosen];
  /** @param {number} index @param {import("../charts/chart.js").Frame} frame */
  const box = (index, frame) => {
    const [x0, x1] = ends(order[index], nameX, x.scale).map((end) => frame.x(end));
    const [y0, y1] = ends(order[index], nameY, y.scale).map((end) => frame.y(end));
    return { x0: Number(x0) - 3, x1: Number(x1) + 3, y0: Number(y1) - 3, y1: Number(y0) + 3 };
  };
  const isChosen = (/** @type {number} */ index) => order[index] === chosen;
  const corner = (/** @type {import("../charts/chart.js").Frame} */ frame) => box(order.length - 1, frame);
  return {
    summary: `${rounds.length} rounds over ${label(nameX)} and ${label(nameY)}; round ${chosen.index}: ${chosen.why}`,
    x,
    y,
    layers: [
      rectangles({ count: order.length, box, fill: (index) => faded(colour("--data-1"), isChosen(index) ? 0.1 : 0.02), stroke: (index) => (isChosen(index) ? colour("--best") : shade(order[index]?.index)) }),
      words((frame) => [{ text: `round ${chosen.index}`, x: corner(frame).x0 + 6, y: corner(frame).y0 + 11 }], colour("--best")),
      points({
        x: x.values,
        y: y.values,
        colour: (index) => (sample.rounds[index] === chosen.index ? colour("--best") : shade(sample.rounds[index])),
        size: 3,
        describe: (index) => ({
          title: `Trial ${sample.numbers[index]}, round ${sample.rounds[index] ?? "–"}`,
          rows: [[label(nameX), text(x.values[index])], [label(nameY), text(y.values[index])], [objectiveName(search), objectiveValue(search, sample.values[index])]],
          open: `/trials/${search.id}.${sample.numbers[index]}`,
        }),
      }),
    ],
  };
}

/**
 * @param {Search} search
 * @param {import("./sample.js").Sample} sample
 * @param {string} name
 */
function axis(search, sample, name) {
  return { scale: scaleOf(search.spec.space[name] ?? {}), title: label(name), values: sample.params[name] ?? [] };
}

/**
 * @param {Api["RoundRecord"] | undefined} round
 * @param {string} name
 * @param {import("../charts/scales.js").Scale} scale
 * @returns {[number, number]}
 */
function ends(round, name, scale) {
  const side = round?.box.find(({ parameter }) => parameter === name);
  return [Number(side?.low ?? scale.low), Number(side?.high ?? scale.high)]; // of a scale: numbers
}

/** @param {Api["RoundRecord"][]} rounds */
function sheet(rounds) {
  return { names: ["round", "first_trial", "trials", "parameter", "low", "high", "choices", "why"], rows: rounds.flatMap((round) => round.box.map((side) => [round.index, round.first, round.size, side.parameter, side.low, side.high, side.choices, round.why])) };
}
