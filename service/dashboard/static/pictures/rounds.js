/** Rounds of coarse to fine as nested boxes over two parameters. */

import { label, number, text } from "../core/format.js";
import { objectiveName, parameterNames } from "../core/search-math.js";
import { colour, faded } from "../core/theme.js";
import { points, rectangles, words } from "../charts/layers.js";
import { scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { choose } from "../components/parts.js";

/** @typedef {{round: number, box: Record<string, [number, number]>}} Box box in unit coordinates of each numeric parameter */

/**
 * The box of each round, from the trials drawn in it.
 * @param {import("./sample.js").Sample} sample
 * @param {Record<string, import("../charts/scales.js").Scale>} scales
 * @returns {Box[]}
 */
export function boxesOf(sample, scales) {
  /** @type {Map<number, Box>} */
  const boxes = new Map();
  sample.rounds.forEach((round, index) => {
    if (round === null || round === undefined) return;
    const box = boxes.get(round) ?? { round, box: {} };
    boxes.set(round, box);
    for (const [name, scale] of Object.entries(scales)) {
      const unit = scale.toUnit(sample.params[name]?.[index] ?? null);
      if (Number.isNaN(unit)) continue;
      const [low, high] = box.box[name] ?? [unit, unit];
      box.box[name] = [Math.min(low, unit), Math.max(high, unit)];
    }
  });
  return [...boxes.values()].sort((a, b) => a.round - b.round);
}

/** @param {import("../pages/search.js").SearchView} view */
export function roundsPicture(view) {
  const { context } = view;
  const { spec } = view.search();
  const names = parameterNames(spec).filter((name) => !spec.space[name]?.choices);
  /** @param {string} axis @param {number} fallback */
  const chosen = (axis, fallback) => {
    const name = context.query.get(axis);
    return name && names.includes(name) ? name : (names[fallback] ?? "");
  };
  const options = names.map((name) => /** @type {[string, string]} */ ([name, label(name)]));
  const controls = ["rx", "ry"].map((axis, index) => {
    const control = choose(`Parameter on ${axis.at(-1)}`, options, chosen(axis, index), (name) => {
      context.setQuery({ [axis]: name });
      if (latest) draw(latest);
    });
    control.classList.add("small");
    return control;
  });
  const figure = new Figure({
    name: "rounds",
    title: "Rounds",
    hint: "Where each round of coarse to fine searched: the whole box first, then boxes around what was good. A last box at the edge of the first means the range should be widened.",
    controls,
    height: 330,
  });
  /** @type {import("./sample.js").Sample | null} */
  let latest = null;

  /** @param {import("./sample.js").Sample} sample */
  function draw(sample) {
    latest = sample;
    const [nameX, nameY] = [chosen("rx", 0), chosen("ry", 1)];
    if (!sample.rounds.some((round) => round !== null && round !== undefined)) {
      figure.blank("This strategy has no rounds. Coarse to fine has: it looks at the whole box first, then zooms in.");
      return;
    }
    if (names.length < 2) {
      figure.blank("It takes two parameters with ranges.");
      return;
    }
    const scales = { [nameX]: scaleOf(spec.space[nameX] ?? {}), [nameY]: scaleOf(spec.space[nameY] ?? {}) };
    const boxes = boxesOf(sample, scales);
    const [x, y] = [nameX, nameY].map((name) => ({ scale: scales[name] ?? scaleOf({}), title: label(name), values: sample.params[name] ?? [] }));
    if (!x || !y) return;
    const last = boxes.at(-1)?.round ?? 1;
    /** @param {number | null | undefined} round */
    const shade = (round) => faded(colour("--data-1"), 0.25 + 0.75 * (Number(round ?? 0) / Math.max(1, last)));
    /** @param {number} index @param {import("../charts/chart.js").Frame} frame */
    const box = (index, frame) => {
      const bounds = boxes[index]?.box ?? {};
      const [x0, x1] = (bounds[nameX] ?? [0, 1]).map((unit) => frame.x(x.scale.fromUnit(unit)));
      const [y0, y1] = (bounds[nameY] ?? [0, 1]).map((unit) => frame.y(y.scale.fromUnit(unit)));
      return { x0: Number(x0) - 4, x1: Number(x1) + 4, y0: Number(y1) - 4, y1: Number(y0) + 4 };
    };
    figure.show(
      {
        summary: `${boxes.length} rounds over ${label(nameX)} and ${label(nameY)}`,
        x,
        y,
        layers: [
          rectangles({ count: boxes.length, box, fill: () => faded(colour("--data-1"), 0.05), stroke: (index) => shade(boxes[index]?.round) }),
          words((frame) => boxes.map((each, index) => ({ text: `round ${each.round}`, x: box(index, frame).x0 + 5, y: box(index, frame).y0 + 9 })), colour("--muted")),
          points({
            x: x.values,
            y: y.values,
            colour: (index) => (Number(sample.ranks[index]) >= 0.97 ? colour("--best") : shade(sample.rounds[index])),
            size: 2.5,
            tell: (index) => ({
              title: `Trial ${sample.numbers[index]}, round ${sample.rounds[index] ?? "–"}`,
              rows: [[label(nameX), text(x.values[index])], [label(nameY), text(y.values[index])], [objectiveName(view.search()), number(sample.values[index])]],
              open: `/trials/${view.search().id}.${sample.numbers[index]}`,
            }),
          }),
        ],
      },
      () => ({ names: ["round", "parameter", "low", "high"], rows: boxes.flatMap((each) => Object.entries(each.box).map(([name, [low, high]]) => [each.round, name, scales[name]?.fromUnit(low), scales[name]?.fromUnit(high)])) }),
      sample.note,
    );
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
