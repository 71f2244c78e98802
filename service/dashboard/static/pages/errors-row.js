/** A row that a model was asked about: its input, what the model made of it, and what people say of it. */

import { fill, h, setStyle } from "../core/dom.js";
import { number, percent, text } from "../core/format.js";

const SIDE = 96; // pixels of the screen, of an image's longer side
export const WRONG_LABEL = "label is wrong"; // the tag that the server gives to rows with a right label

/**
 * @param {Api["Rows"]} found
 * @param {Api["Row"]} item
 * @param {string[]} known tags of other rows
 * @param {(body: Api["NewTags"]) => Promise<Api["Row"] | undefined>} save
 */
export function example(found, item, known, save) {
  return h("li", { class: item.wrong ? "example wrong" : "example" }, input(found, item), verdict(item), tags(found, item, known, save));
}

/**
 * @param {Api["Rows"]} found
 * @param {Api["Row"]} item
 */
function input(found, item) {
  if (!item.cells) return h("p", { class: "muted" }, "Its input is not told: so many rows have a larger loss.");
  const cells = item.cells.map((cell, place) => h("div", null, h("dt", null, found.columns[place] ?? ""), h("dd", null, cell === null || cell === "" ? "–" : String(cell))));
  const more = found.more_columns ? h("p", { class: "hint" }, `${found.more_columns} more columns are not shown.`) : null;
  const picture = item.pixels && found.image_shape && found.pixel_range ? image(item, found.image_shape, found.pixel_range) : null;
  return h("div", { class: "exampleinput" }, picture, cells.length ? h("dl", { class: "cells", tabindex: "0", role: "group", "aria-label": `Input of row ${item.row}` }, cells) : null, more);
}

/**
 * Draw the pixels of a row, darkest for the lowest number, each as a square.
 * @param {Api["Row"]} item
 * @param {number[]} shape height, width, channels
 * @param {number[]} range
 */
function image(item, [height = 1, width = 1, channels = 1], [low = 0, high = 1]) {
  const canvas = h("canvas", { width, height, class: "pixels", role: "img", "aria-label": `Row ${item.row} as an image of ${height} by ${width} pixels` });
  const scale = SIDE / Math.max(width, height);
  setStyle(canvas, { width: `${width * scale}px`, height: `${height * scale}px` });
  const drawn = canvas.getContext("2d");
  if (!drawn || !item.pixels) return canvas;
  const data = drawn.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      const value = item.pixels[pixel * channels + Math.min(colour, channels - 1)] ?? low;
      data.data[4 * pixel + colour] = Math.round((255 * (value - low)) / (high - low || 1));
    }
    data.data[4 * pixel + 3] = 255;
  }
  drawn.putImageData(data, 0, 0);
  return canvas;
}

/** @param {Api["Row"]} item */
function verdict(item) {
  const pairs = [
    ["Truth", shown(item.truth)],
    ["Answer", item.confidence === null ? shown(item.answer) : `${shown(item.answer)} (${percent(item.confidence)} sure)`],
    ["Loss", number(item.loss)],
  ];
  if (item.weight !== 1) pairs.push(["Weight", number(item.weight)]);
  return h("div", { class: "verdicts" }, h("h3", null, `Row ${item.row}`), h("dl", null, pairs.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))));
}

/** @param {Api["Row"]["truth"]} value */
function shown(value) {
  return Array.isArray(value) ? value.map((each) => number(each, 6)).join(", ") : typeof value === "number" ? number(value, 6) : text(value);
}

/**
 * @param {Api["Rows"]} found
 * @param {Api["Row"]} first
 * @param {string[]} known
 * @param {(body: Api["NewTags"]) => Promise<Api["Row"] | undefined>} save
 */
function tags(found, first, known, save) {
  let item = first;
  const here = h("div", { class: "labels" });
  const list = h("datalist", { id: `tags-${item.row}` }, known.filter((tag) => tag !== WRONG_LABEL).map((tag) => h("option", { value: tag })));
  const field = h("input", { type: "text", class: "small", list: list.id, maxlength: 60, placeholder: "add a tag", "aria-label": `Add a tag to row ${item.row}` });
  const label = labelField(found, item);
  const own = () => item.tags.map(({ tag }) => tag).filter((tag) => tag !== WRONG_LABEL);

  /**
   * @param {string[]} named
   * @param {string | null} right
   */
  async function change(named, right) {
    item = (await save({ tags: named, label: right })) ?? item;
    draw();
  }
  function draw() {
    if (label) label.value = item.label ?? "";
    fill(
      here,
      item.tags.map(({ tag, who }) => {
        const words = tag === WRONG_LABEL ? `label should be ${item.label}` : tag;
        const gone = tag === WRONG_LABEL ? () => change(own(), null) : () => change(own().filter((each) => each !== tag), item.label);
        return h("button", { type: "button", class: "tag", title: `said by ${who}`, "aria-label": `Remove "${words}" from row ${item.row}`, onclick: () => void gone().then(() => field.focus()) }, words, h("span", { "aria-hidden": "true" }, " ×"));
      }),
    );
  }
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !field.value.trim()) return;
    void change([...own(), field.value], item.label).then(() => {
      field.value = "";
    });
  });
  label?.addEventListener("change", () => void change(own(), label.value.trim() || null));
  draw();
  return h("div", { class: "tagging" }, here, field, list, label);
}

/**
 * Where the right label is said; of several targets none.
 * @param {Api["Rows"]} found
 * @param {Api["Row"]} item
 */
function labelField(found, item) {
  const name = `The right label of row ${item.row}`;
  if (found.kind === "regression") {
    return found.targets.length > 1 ? null : h("input", { type: "text", inputmode: "decimal", class: "small", placeholder: "right value, if wrong", "aria-label": name });
  }
  return h("select", { class: "small", "aria-label": name }, h("option", { value: "" }, "the label is right"), found.classes.filter((each) => each !== item.truth).map((each) => h("option", { value: each }, `it should be ${each}`)));
}
