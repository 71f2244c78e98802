/** The space in the form: one row for each parameter, with a live picture of what its scale draws. */

import { optionsOf } from "../core/catalog.js";
import { fill, h } from "../core/dom.js";
import { label } from "../core/format.js";
import { RANGES } from "../core/presets.js";
import { parametersOf } from "../core/search-math.js";
import { parseItems, formatItem } from "../core/values.js";
import { conditionWords, parseRelation, relationText, relationsOf, scalePicture, scaleWords } from "../components/space.js";
import { rangeOf } from "./new-settings.js";

/** @typedef {import("./new.js").Draft} Draft */

/** What a parameter may be instead of a range on a scale. */
const OTHERS = /** @type {[string, string][]} */ ([["choices", "choices"], ["value", "fixed"]]);

const RANGE_KEYS = /** @type {const} */ (["scale", "low", "high", "type", "step", "zero"]);

/**
 * @param {Draft} draft
 * @param {SettingInfo[]} settings of the trainer
 * @param {() => void} redraw when rows come or go
 */
export function spaceForm(draft, settings, redraw) {
  const { space } = draft.spec;
  const free = settings.filter(({ name, type }) => !(name in space) && name !== "seed" && type !== "flags" && type !== "json");
  const option = (/** @type {SettingInfo} */ { name, help }) => h("option", { value: name, title: help }, label(name));
  const usual = free.filter(({ name }) => name in RANGES);
  const more = free.filter(({ name }) => !(name in RANGES));
  const add = h("select", { "aria-label": "Add a parameter" }, h("option", { value: "" }, "Add a parameter"), usual.length ? h("optgroup", { label: "Often searched" }, usual.map(option)) : null, more.length ? h("optgroup", { label: "More settings" }, more.map(option)) : null, h("option", { value: "*" }, "another name"));
  add.addEventListener("change", () => {
    const name = add.value === "*" ? freeName(space) : add.value;
    const info = settings.find((each) => each.name === name);
    const usual = RANGES[name] ?? {};
    space[name] = Object.keys(usual).length ? structuredClone(usual) : info ? rangeOf(info) : { scale: "linear", low: 0, high: 1 };
    redraw();
  });
  return h(
    "section",
    { class: "card" },
    h("div", { class: "cardhead" }, h("h2", null, "Space"), h("span", { class: "spacer" }), add),
    h("p", { class: "hint" }, "The parameters to search. Bars show how often values are drawn, from the low to the high end of the range."),
    h("datalist", { id: "settings-known" }, settings.map(({ name }) => h("option", { value: name }))),
    h("div", { class: "spacerows", "data-field": "space" }, Object.keys(parametersOf(space)).map((name) => row(draft, name, redraw))),
    relationsField(draft),
  );
}

/**
 * Relations as text, one per line.
 * @param {Draft} draft
 */
function relationsField(draft) {
  const { space } = draft.spec;
  const control = h("textarea", { id: "new-relations", rows: 2, spellcheck: "false", "data-field": "space.relations", placeholder: "low < high\na + b + c = 1" }, relationsOf(space).map(relationText).join("\n"));
  control.addEventListener("input", () => {
    const lines = control.value.split("\n").filter((line) => line.trim());
    if (lines.length) space.relations = /** @type {any} */ (lines.map(parseRelation));
    else delete space.relations;
    draft.changed();
  });
  return h("div", { class: "field relationsfield" }, h("label", { for: "new-relations" }, "Relations between parameters, one per line"), control);
}

/** @param {Record<string, Definition>} space */
function freeName(space) {
  let index = 1;
  while (`parameter_${index}` in space) index += 1;
  return `parameter_${index}`;
}

/**
 * @param {Draft} draft
 * @param {string} name
 * @param {() => void} redraw
 */
function row(draft, name, redraw) {
  const { space } = draft.spec;
  const definition = space[name] ?? {};
  const picture = h("div", { class: "picture" });
  const words = h("p", { class: "hint" });
  const show = () => {
    fill(picture, scalePicture(definition));
    words.textContent = scaleWords(definition) + conditionWords(definition);
  };
  const edited = () => {
    show();
    draft.changed();
  };
  show();
  const renamed = h("input", { value: name, "aria-label": "Name of the parameter", class: "name", list: "settings-known" });
  renamed.addEventListener("change", () => {
    const wanted = renamed.value.trim();
    if (!wanted || wanted in space) {
      renamed.value = name;
      return;
    }
    draft.spec.space = Object.fromEntries(Object.entries(space).map(([key, value]) => [key === name ? wanted : key, value]));
    redraw();
  });
  const remove = h("button", { type: "button", class: "quiet square", "aria-label": `Remove ${label(name)}`, title: "Remove" }, "×");
  remove.addEventListener("click", () => {
    delete space[name];
    redraw();
  });
  return h("div", { class: "spacerow", "data-field": `space.${name}` }, renamed, scaleSelect(draft, name, redraw), limits(name, definition, edited), remove, h("div", { class: "drawn" }, picture, words));
}

/**
 * @param {Draft} draft
 * @param {string} name
 * @param {() => void} redraw
 */
function scaleSelect(draft, name, redraw) {
  const definition = draft.spec.space[name] ?? {};
  const kind = definition.choices ? "choices" : definition.value !== undefined ? "value" : (definition.scale ?? "linear");
  const control = h("select", { "aria-label": `Scale of ${label(name)}`, "data-field": `space.${name}.scale` }, [...optionsOf(draft.catalog.scales), ...OTHERS].map(([value, title]) => h("option", { value, selected: value === kind }, title)));
  control.addEventListener("change", () => {
    const [first] = definition.choices ?? [definition.value ?? definition.low ?? 1];
    delete definition.choices;
    delete definition.value;
    if (control.value === "choices" || control.value === "value") {
      for (const key of RANGE_KEYS) delete definition[key];
      if (control.value === "value") definition.value = first ?? 1;
      else definition.choices = [1, 2];
    } else {
      definition.scale = /** @type {any} */ (control.value);
      definition.low ??= control.value === "one_minus_log" ? 0.9 : control.value === "log" ? 0.001 : 0;
      definition.high ??= control.value === "one_minus_log" ? 0.999 : 1;
    }
    redraw();
  });
  return control;
}

/**
 * @param {string} name
 * @param {Definition} definition
 * @param {() => void} edited
 */
function limits(name, definition, edited) {
  if (definition.choices || definition.value !== undefined) {
    const [key, title] = definition.choices ? ["choices", "Choices"] : ["value", "Value"];
    const control = h("input", { value: (definition.choices ?? [definition.value]).map(formatItem).join(", "), "aria-label": `${title} of ${label(name)}`, "data-field": `space.${name}.${key}` });
    control.addEventListener("input", () => {
      const values = parseItems(control.value);
      if (definition.choices) definition.choices = values;
      else definition.value = values[0] ?? "";
      edited();
    });
    return h("div", { class: "limits" }, control);
  }
  const integer = h("input", { type: "checkbox", checked: definition.type === "int", "aria-label": `${label(name)}: integers only` });
  integer.addEventListener("change", () => {
    if (integer.checked) definition.type = "int";
    else delete definition.type;
    edited();
  });
  return h(
    "div",
    { class: "limits" },
    numberField(name, definition, "low", edited),
    h("span", { class: "muted" }, "to"),
    numberField(name, definition, "high", edited),
    h("label", { class: "whole" }, integer, "integer"),
  );
}

/**
 * @param {string} name
 * @param {Definition} definition
 * @param {"low" | "high"} end
 * @param {() => void} edited
 */
function numberField(name, definition, end, edited) {
  const control = h("input", { value: definition[end] ?? "", inputmode: "decimal", "aria-label": `${end === "low" ? "Lowest" : "Highest"} ${label(name)}`, "data-field": `space.${name}.${end}` });
  control.addEventListener("input", () => {
    const value = control.value.trim();
    definition[end] = value !== "" && !Number.isNaN(Number(value)) ? Number(value) : /** @type {any} */ (value);
    edited();
  });
  return control;
}
