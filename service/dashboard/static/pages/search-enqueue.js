/** Add a point by hand: it runs before what the strategy would propose next. */

import { call } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { label } from "../core/format.js";
import { parameterNames } from "../core/search-math.js";
import { parseItems, formatItem } from "../core/values.js";
import { openDialog } from "../components/dialog.js";
import { problem, toast } from "../components/parts.js";

/**
 * @param {Search} search
 * @param {() => Promise<void>} added
 */
export function enqueuePoint(search, added) {
  const start = search.best?.params ?? {};
  const fields = parameterNames(search.spec).map((name) => {
    const definition = search.spec.space[name] ?? {};
    return { name, definition, field: fieldFor(name, definition, start[name]) };
  });
  const said = h("div");
  const back = h("button", { type: "button" }, "Back");
  const form = h(
    "form",
    { id: "point-form", class: "fields two" },
    fields.map(({ name, field }) => h("div", { class: "field" }, h("label", { for: field.id }, label(name)), field)),
    said,
  );
  const dialog = openDialog("Add a trial", [h("p", { class: "hint" }, "The fields start with the best trial so far. Leave a field empty if the parameter does not apply."), form], [back, h("button", { class: "primary", type: "submit", form: "point-form" }, "Add trial")]);
  back.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await call(`/searches/${search.id}/points`, { method: "POST", json: { points: [pointOf(fields)] } });
      toast("Added. It runs as soon as an agent is free.");
      dialog.close();
      await added();
    } catch (error) {
      fill(said, problem(error));
    }
  });
}

/**
 * @param {{name: string, field: HTMLInputElement | HTMLSelectElement, definition: Definition}[]} fields
 * @returns {Point}
 */
function pointOf(fields) {
  /** @type {Point} */
  const point = {};
  for (const { name, field, definition } of fields) {
    if (isList(definition) && (field.value.trim() || !definition.when)) point[name] = /** @type {any} */ (parseItems(field.value));
    else if (field.value !== "") point[name] = field instanceof HTMLSelectElement ? JSON.parse(field.value) : Number(field.value);
  }
  return point;
}

/**
 * Whether a parameter has one entry for each of another.
 * @param {Definition} definition
 */
function isList({ each }) {
  return each !== undefined && each !== null;
}

/**
 * @param {string} name
 * @param {Definition} definition
 * @param {Value | undefined} value
 */
function fieldFor(name, definition, value) {
  const id = `point-${name}`;
  if (isList(definition)) return h("input", { id, value: Array.isArray(value) ? value.map(formatItem).join(", ") : "", placeholder: `one per ${definition.each}, separated by commas` });
  if (!definition.choices) return h("input", { id, type: "number", step: "any", value: value ?? "" });
  const empty = definition.when ? [h("option", { value: "" }, "not used")] : [];
  return h("select", { id }, empty, definition.choices.map((choice) => h("option", { value: JSON.stringify(choice), selected: formatItem(choice) === formatItem(value) }, formatItem(choice))));
}
