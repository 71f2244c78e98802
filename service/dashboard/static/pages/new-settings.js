/** The settings of the trainers as the server describes them: what may be searched, and what each means. */

import { call, isAbort } from "../core/api.js";
import { h } from "../core/dom.js";
import { number, text } from "../core/format.js";

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Trainer[]>}
 */
export async function loadTrainers(signal) {
  try {
    return (await call("/trainers", { signal })).items;
  } catch (error) {
    if (!isAbort(error)) console.warn(error); // the form works without: names and ranges are typed, and checked by the server
    return [];
  }
}

/** @param {import("./new.js").Draft} draft */
export function settingsOf({ trainers, spec }) {
  return trainers.find(({ name }) => name === spec.trainer)?.settings ?? [];
}

/**
 * A range to begin with, around the default of a setting.
 * @param {SettingInfo} info
 * @returns {Definition}
 */
export function rangeOf({ type, default: usual, low, high, choices }) {
  if (type === "bool") return { choices: [true, false] };
  if (choices.length) return { choices: [...choices] };
  const middle = typeof usual === "number" && usual > 0 ? usual : null;
  const whole = type === "int" ? /** @type {const} */ ({ type: "int" }) : {};
  if (type === "float" && low === 0 && high === 1 && (middle === null || middle >= 0.01)) return { scale: "linear", low: 0, high: 1 };
  const base = middle ?? (type === "int" ? 10 : 0.1);
  const from = Math.max(low ?? -Infinity, type === "int" ? Math.max(1, Math.round(base / 4)) : base / 10);
  const to = Math.min(high ?? Infinity, type === "int" ? Math.round(base * 4) : base * 10);
  return { scale: "log", ...whole, low: Number(from.toPrecision(3)), high: Number(to.toPrecision(3)) };
}

/**
 * What can be set and searched, for those who write settings by hand.
 * @param {string} trainer
 * @param {SettingInfo[]} settings
 */
export function settingsTable(trainer, settings) {
  if (!settings.length) return null;
  const heads = ["Setting", "Values", "Default", ""].map((title) => h("th", { scope: "col" }, title));
  const rows = settings.map((each) => h("tr", null, h("th", { scope: "row" }, h("code", null, each.name)), h("td", null, values(each)), h("td", null, each.default === null ? "by a rule" : text(each.default)), h("td", { class: "muted" }, [each.help, each.per_layer ? "optionally a list with one value per layer" : ""].filter(Boolean).join("; "))));
  const table = h("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": `Settings of ${trainer}` }, h("table", { class: "members" }, h("thead", null, h("tr", null, heads)), h("tbody", null, rows)));
  return h("details", { class: "card" }, h("summary", null, `All settings of ${trainer}`), table);
}

/** @param {SettingInfo} info */
function values({ type, low, high, choices, form }) {
  if (type === "json") return form;
  if (type === "bool") return "true, false";
  if (choices.length) return choices.join(type === "flags" ? " + " : ", ");
  return `${type === "int" ? "integer, " : ""}${number(low)} to ${number(high)}`;
}
