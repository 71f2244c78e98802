/** What ends a search before its trials are used up, and what ends one trial. */

import { h } from "../core/dom.js";
import { field, input, numberOr } from "./new-fields.js";

/** @typedef {import("./new.js").Draft} Draft */

/**
 * What ends the search before its trials are used up, and what ends one trial.
 * @param {Draft} draft
 */
export function endsForm(draft) {
  const spec = /** @type {any} */ (draft.spec);
  const number = (/** @type {"budget" | "limits"} */ part, /** @type {string} */ name, /** @type {string} */ title, /** @type {string} */ hint) =>
    field(title, `${part}.${name}`, input(spec[part]?.[name], (value) => setPart(draft, part, name, numberOr(value)), { inputmode: "decimal", placeholder: "no limit" }), hint);
  const atEnd = h("select", null, h("option", { value: "" }, "finish"), h("option", { value: "stop", selected: spec.budget?.at_end === "stop" }, "stop"));
  atEnd.addEventListener("change", () => setPart(draft, "budget", "at_end", atEnd.value || undefined));
  return h(
    "details",
    { open: Object.keys(spec.budget ?? {}).length > 1 || Object.keys(spec.limits ?? {}).length > 0 },
    h("summary", null, "Further budgets, and limits of a trial"),
    h("p", { class: "hint" }, "The first budget that is used up ends the search. A trial that exceeds a limit fails; its agent goes on."),
    h(
      "div",
      { class: "fields three" },
      number("budget", "seconds", "Total seconds", "Such a search cannot be repeated exactly."),
      number("budget", "epochs", "Total epochs", "Over all trials."),
      number("budget", "target", "Target", "A value of the objective that is good enough."),
      number("budget", "stale", "Trials without a better value", "In a row."),
      field("Trials in training at the end", "budget.at_end", atEnd),
      number("limits", "seconds", "Seconds of a trial", "Loading included."),
      number("limits", "silent_seconds", "Seconds without an epoch", ""),
      field("Memory of a trial", "limits.memory", input(spec.limits?.memory, (value) => setPart(draft, "limits", "memory", numberOr(value) ?? (value.trim() || undefined)), { placeholder: "no limit" }), "In bytes, or a size such as 2 GiB."),
    ),
  );
}

/**
 * @param {Draft} draft
 * @param {"budget" | "limits"} part
 * @param {string} name
 * @param {unknown} value nothing: it is left out
 */
function setPart(draft, part, name, value) {
  const spec = /** @type {any} */ (draft.spec);
  const given = { ...spec[part], [name]: value ?? undefined };
  if (given[name] === undefined) delete given[name];
  spec[part] = part === "limits" && !Object.keys(given).length ? undefined : given;
  draft.changed();
}
