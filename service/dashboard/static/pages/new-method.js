/** A strategy or stopping rule in the form: its name, what it does, and its settings, as the server describes them. */

import { fill, h } from "../core/dom.js";
import { optionsOf } from "../core/catalog.js";
import { label, sentence } from "../core/format.js";
import { limits } from "../core/schema.js";
import { parseValue, formatValue } from "../core/values.js";
import { field, select } from "./new-fields.js";

/** @typedef {import("../core/catalog.js").Kind} Kind */
/** @typedef {import("./new.js").Draft} Draft */

/**
 * @param {Draft} draft
 * @param {"strategy" | "stopping"} part
 * @param {string} title
 * @param {Kind[]} kinds
 */
export function methodFields(draft, part, title, kinds) {
  const options = h("div", { class: "kindoptions" });
  const help = h("p", { class: "hint" });
  const show = () => {
    const kind = kinds.find(({ name }) => name === draft.spec[part].name);
    help.textContent = kind?.help ?? "";
    fill(options, (kind?.options ?? []).map((option) => optionField(draft, part, option)));
  };
  const names = select(kinds.map(({ name, title }) => [name, title]), draft.spec[part].name, (name) => {
    draft.spec[part] = { name };
    show();
    draft.changed();
  });
  show();
  const chosen = field(title, part, names);
  chosen.append(help);
  return h("div", { class: "fields three" }, chosen, options);
}

/**
 * @param {Draft} draft
 * @param {"strategy" | "stopping"} part
 * @param {import("../core/catalog.js").Option} option
 */
function optionField(draft, part, { name, schema, required }) {
  const value = draft.spec[part][name];
  const text = value === undefined || value === null ? "" : formatValue(value);
  const changed = (/** @type {string} */ typed) => {
    const { [name]: _, ...rest } = draft.spec[part];
    draft.spec[part] = { ...rest, name: draft.spec[part].name, ...(typed.trim() ? { [name]: parseValue(typed.trim()) } : {}) };
    draft.changed();
  };
  const hint = schema.description ?? sentence(limits({ ...schema, default: undefined }));
  const values = schema.type === "boolean" ? ["true", "false"] : (schema.enum ?? []).map(String);
  const usual = schema.default === undefined || schema.default === null ? "" : String(schema.default);
  const control = values.length ? select([["", `usual: ${usual}`], ...optionsOf(values)], text, changed) : h("input", { value: text, placeholder: required ? "needed" : usual, oninput: (/** @type {Event} */ event) => changed(/** @type {HTMLInputElement} */ (event.target).value) });
  const words = label(name);
  return field(`${words.charAt(0).toUpperCase()}${words.slice(1)}`, `${part}.${name}`, control, hint);
}
