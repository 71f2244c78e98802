/** The space as a table, each parameter with a picture of what its scale draws. */

import { h, svg } from "../core/dom.js";
import { label, number } from "../core/format.js";
import { parametersOf } from "../core/search-math.js";
import { scaleOf } from "../charts/scales.js";
import { nines } from "../charts/ticks.js";

const WIDTH = 200;
const HEIGHT = 34;
const BINS = 40;
const DRAWS = 4000;

/**
 * What a parameter's scale draws, seen on a linear axis: draws at equal steps of the unit interval, counted in bins of value.
 * @param {Definition} definition
 * @returns {number[]} shares
 */
export function drawShares(definition) {
  const { low = 0, high = 1, zero } = definition;
  const scale = scaleOf({ ...definition, zero: null });
  const shares = new Array(BINS).fill(0);
  for (let index = 0; index < DRAWS; index += 1) {
    const value = scale.fromUnit((index + 0.5) / DRAWS);
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * BINS)));
    shares[bin] += (1 - (zero ?? 0)) / DRAWS;
  }
  if (zero) shares[0] += zero;
  return shares;
}

/**
 * A histogram of the draws over the range, on a linear axis.
 * @param {Definition} definition
 */
export function scalePicture(definition) {
  const { low, high, choices } = definition;
  if (choices || low === undefined || high === undefined || !(low < high)) return h("span", { class: "muted" }, choices ? `${number(100 / choices.length, 3)} % each` : "");
  const { kind } = scaleOf(definition);
  if ((kind === "log" && low <= 0) || (kind === "one_minus_log" && (high >= 1 || low < 0))) return h("span");
  const shares = drawShares(definition);
  const most = Math.max(...shares);
  const width = WIDTH / BINS;
  const bars = shares.map((share, index) => {
    const height = Math.max(0.5, (share / most) * HEIGHT);
    return `M${(index * width).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${(width - 1).toFixed(1)}V${HEIGHT}z`;
  });
  return svg("svg", { class: "scalepicture", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `How often draws fall where between ${low} and ${high}` }, svg("path", { d: bars.join("") }));
}

/**
 * A sentence on what a scale does, with figures of this very range.
 * @param {Definition} definition
 */
export function scaleWords(definition) {
  const { scale = "linear", low = 0, high = 1, zero, choices, type, step } = definition;
  if (choices) return `${choices.length} choices, equally likely`;
  if (definition.value !== undefined) return "the same in every trial";
  const sometimes = zero ? `; exactly 0 in ${number(zero * 100, 3)} % of draws` : "";
  if (scale === "log" && low > 0) {
    const decade = high / low > 10 ? `, ${number(100 / Math.log10(high / low), 3)} % per decade` : "";
    return `half of the draws below ${number(Math.sqrt(low * high), 2)}${decade}${sometimes}`;
  }
  if (scale === "one_minus_log" && high < 1) return `half of the draws above ${nines(1 - Math.sqrt((1 - low) * (1 - high)))}${sometimes}`;
  return `every ${step ? "step" : type === "int" ? "integer" : "value"} equally likely${sometimes}`;
}

/**
 * How many of a parameter there are, and when: "; one per hidden layers; only when optimizer is adam".
 * @param {Definition} definition
 */
export function conditionWords(definition) {
  const { each, when } = definition;
  const many = each === undefined || each === null ? "" : `; ${typeof each === "number" ? `${each} of them` : `one per ${label(each)}`}`;
  return many + (when ? `; only when ${Object.entries(when).map(([name, wanted]) => `${label(name)} is ${wantedWords(wanted)}`).join(" and ")}` : "");
}

/** @param {unknown} wanted a value, some of which it must be one, or a part of a range */
function wantedWords(wanted) {
  if (Array.isArray(wanted)) return wanted.map((each) => (Array.isArray(each) ? `[${each.join(", ")}]` : String(each))).join(" or ");
  if (wanted === null || typeof wanted !== "object") return String(wanted);
  const { low, high } = /** @type {{low?: number, high?: number}} */ (wanted);
  if (high === undefined || high === null) return `${number(low)} or more`;
  return low === undefined || low === null ? `${number(high)} or less` : `from ${number(low)} to ${number(high)}`;
}

/** @param {Definition} definition */
export function rangeText(definition) {
  if (definition.choices) return definition.choices.map((choice) => (Array.isArray(choice) ? `[${choice.join(", ")}]` : String(choice))).join(", ");
  if (definition.value !== undefined) return String(definition.value);
  const near = definition.scale === "one_minus_log" ? nines : number;
  return `${near(Number(definition.low))} to ${near(Number(definition.high))}${definition.step ? ` by ${number(definition.step)}` : ""}`;
}

/**
 * A parameter in a few words: "log, 0.0001 to 1, sometimes 0".
 * @param {Definition} definition
 */
export function definitionText(definition) {
  const scale = definition.choices || definition.value !== undefined ? "" : `${(definition.scale ?? "linear").replaceAll("_", "-")}, `;
  return `${scale}${rangeText(definition)}${definition.zero ? ", sometimes 0" : ""}`;
}

/**
 * What a space says of its parameters among each other.
 * @param {Record<string, Definition>} space
 * @returns {unknown[]}
 */
export function relationsOf(space) {
  return Array.isArray(space.relations) ? space.relations : [];
}

/**
 * A relation as people write it: "a < b", "a + b <= 1".
 * @param {any} relation
 * @returns {string}
 */
export function relationText(relation) {
  const { sum, order } = typeof relation === "object" && relation ? relation : { order: String(relation) };
  if (!Array.isArray(sum?.of)) return order ?? JSON.stringify(relation);
  return `${sum.of.join(" + ")} ${typeof sum.equals === "number" ? `= ${sum.equals}` : `<= ${sum.max}`}`;
}

/**
 * The relation that a line of text means: a sum where it adds up, else an order.
 * @param {string} line
 * @returns {unknown}
 */
export function parseRelation(line) {
  const [, parts, sign, total] = /^(.+\+.+?)(<=|==?)([^<=>]+)$/.exec(line) ?? [];
  if (!parts || !sign || Number.isNaN(Number(total))) return line.trim();
  return { sum: { of: parts.split("+").map((name) => name.trim()), [sign === "<=" ? "max" : "equals"]: Number(total) } };
}

/** @param {Record<string, Definition>} space */
export function spaceTable(space) {
  const rows = Object.entries(parametersOf(space)).map(([name, definition]) =>
    h(
      "tr",
      null,
      h("td", null, h("strong", null, label(name))),
      h("td", null, definition.choices ? "choice" : definition.value !== undefined ? "fixed" : `${(definition.scale ?? "linear").replaceAll("_", "-")}${definition.type === "int" ? ", integer" : ""}`),
      h("td", null, rangeText(definition)),
      h("td", null, scalePicture(definition)),
      h("td", { class: "muted inwords" }, scaleWords(definition), conditionWords(definition)),
    ),
  );
  const head = ["Parameter", "Scale", "Range", "Draws", ""].map((title) => h("th", { scope: "col" }, title));
  const table = h("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Space" }, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)));
  const relations = relationsOf(space).map((relation) => h("li", null, h("code", null, relationText(relation))));
  return relations.length ? h("div", null, table, h("p", { class: "hint" }, "Draws are uniform on what these relations leave of the space."), h("ul", { class: "relations" }, relations)) : table;
}
