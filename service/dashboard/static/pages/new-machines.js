/** What a trial needs of the machine that trains it. */

import { h } from "../core/dom.js";
import { field, input, numberOr, set } from "./new-fields.js";

/** @typedef {import("./new.js").Draft} Draft */

/** @param {Draft} draft */
export function machinesForm(draft) {
  const given = /** @type {Record<string, any>} */ (draft.spec.resources ?? {});
  const put = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (value === null) delete given[name];
    else given[name] = value;
    set(draft, "resources", Object.keys(given).length ? given : undefined);
  };
  const amount = (/** @type {string} */ name, /** @type {string} */ title, /** @type {string} */ usual, /** @type {string} */ hint) =>
    field(title, `resources.${name}`, input(given[name], (value) => put(name, numberOr(value)), { inputmode: "decimal", placeholder: usual }), hint);
  return h(
    "details",
    { open: Object.keys(given).length > 0 },
    h("summary", null, "What a trial needs of a machine"),
    h("p", { class: "hint" }, "Trials go only to agents that have all of it. A fraction below 1 is a share of one."),
    h(
      "div",
      { class: "fields three" },
      amount("cpus", "CPUs", "1", "Libraries get as many threads."),
      amount("gpus", "GPUs", "0", ""),
      field("Other resources", "resources.custom", input(written(given.custom), (value) => put("custom", read(value)), { placeholder: "none; fast_disk=1, licence=1" }), "By the names that your agents give them."),
    ),
  );
}

/**
 * @param {Record<string, unknown> | undefined} custom
 * @returns {string} as `read` takes it
 */
const written = (custom) => Object.entries(custom ?? {}).map(([name, amount]) => `${name}=${amount}`).join(", ");

/**
 * @param {string} text
 * @returns {Record<string, unknown> | null} null for none; a name without a number has one
 */
function read(text) {
  const pairs = text.split(",").map((one) => one.split("=").map((part) => part.trim())).filter(([name]) => name);
  return pairs.length ? Object.fromEntries(pairs.map(([name, amount]) => [name, amount === undefined ? 1 : numberOr(amount)])) : null;
}
