/** Contour: two parameters against each other, coloured by how good trials near a place were. */

import { count, label, text } from "../core/format.js";
import { objectiveName, objectiveValue, parameterNames } from "../core/search-math.js";
import { colour } from "../core/theme.js";
import { field } from "../charts/field.js";
import { points } from "../charts/layers.js";
import { scaleOf } from "../charts/scales.js";
import { Figure } from "../components/figure.js";
import { choose } from "../components/parts.js";
import { asideNote } from "./aside.js";
import { sampleSheet } from "./sample.js";

/** @param {SearchView} view */
export function picture(view) {
  const names = parameterNames(view.search().spec);
  const { context } = view;
  /** @param {string} axis @param {number} fallback */
  const chosen = (axis, fallback) => {
    const name = context.query.get(axis);
    return name && names.includes(name) ? name : (names[fallback] ?? names[0] ?? "");
  };
  const options = names.map((name) => /** @type {[string, string]} */ ([name, label(name)]));
  const controls = ["x", "y"].map((axis, index) => {
    const control = choose(`Parameter on ${axis}`, options, chosen(axis, index), (name) => {
      context.setQuery({ [axis]: name });
      if (latest) draw(latest);
    });
    control.classList.add("small");
    return control;
  });
  const figure = new Figure({
    name: "contour",
    title: "Contour",
    hint: "Two parameters together: darker where nearby trials were good, blank where there were none; grey points do not count. A slanted ridge means the two interact.",
    controls,
    height: 330,
  });
  /** @type {import("./sample.js").Sample | null} */
  let latest = null;

  /** @param {import("./sample.js").Sample} sample */
  function draw(sample) {
    latest = sample;
    const search = view.search();
    const [nameX, nameY] = [chosen("x", 0), chosen("y", 1)];
    if (names.length < 2) {
      figure.blank("This needs two parameters that vary.");
      return;
    }
    if (!sample.values.some((value) => value !== null) && !sample.aside.length) {
      figure.blank("No trial has a value yet.");
      return;
    }
    const [x, y] = [nameX, nameY].map((name) => ({ scale: scaleOf(search.spec.space[name] ?? {}), title: label(name), values: sample.params[name] ?? [] }));
    if (!x || !y) return;
    const ended = sample.numbers.map((_, index) => index).filter((index) => sample.values[index] !== null);
    const units = [x, y].map((axis) => Float32Array.from(ended, (index) => axis.scale.toUnit(axis.values[index])));
    const heights = ended.map((index) => Number(sample.ranks[index]));
    const drawn = ended.length > 400 ? ended.filter((index) => Number(sample.ranks[index]) > 1 - 200 / ended.length) : ended;
    figure.show(
      {
        summary: `${objectiveName(search)} over ${label(nameX)} and ${label(nameY)}`,
        x,
        y,
        layers: [
          field({ x: units[0] ?? new Float32Array(), y: units[1] ?? new Float32Array(), heights, scaleX: x.scale, scaleY: y.scale }),
          points({
            x: sample.aside.map(({ index }) => x.values[index]),
            y: sample.aside.map(({ index }) => y.values[index]),
            colour: colour("--aside"),
            size: 3,
            describe: (index) => asideNote(search, sample.numbers[sample.aside[index]?.index ?? 0], sample.aside[index]),
          }),
          points({ x: drawn.map((index) => x.values[index]), y: drawn.map((index) => y.values[index]), colour: colour("--ink"), size: 1.6 }),
          points({
            x: drawn.map((index) => x.values[index]),
            y: drawn.map((index) => y.values[index]),
            colour: (index) => (Number(sample.ranks[drawn[index] ?? 0]) > 0.995 ? colour("--best") : "transparent"),
            size: 4,
            describe: (index) => {
              const at = drawn[index] ?? 0;
              return {
                title: `Trial ${sample.numbers[at]}`,
                rows: [[label(nameX), text(x.values[at])], [label(nameY), text(y.values[at])], [objectiveName(search), objectiveValue(search, sample.values[at])]],
                open: `/trials/${search.id}.${sample.numbers[at]}`,
              };
            },
          }),
        ],
      },
      () => sampleSheet(sample, [nameX, nameY]),
      drawn.length < ended.length ? `Colour from ${count(ended.length)} trials; the best ${count(drawn.length)} as points.` : "",
    );
  }
  return { node: figure.node, draw, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
