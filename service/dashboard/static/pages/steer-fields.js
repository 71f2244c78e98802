/** The settings in force as fields: what is edited is shown as a change before it is sent, with the moment it shall happen. */

import { fill, h } from "../core/dom.js";
import { label, text } from "../core/format.js";

const MOMENTS = /** @type {[string, string][]} */ ([
  ["now", "now"],
  ["epoch_end", "at the end of this epoch"],
  ["epoch", "after epoch"],
  ["no_improvement", "when the cost has not improved for (epochs)"],
]);
/** What people change most comes first; the rest waits behind a fold. */
const FIRST = ["learning_rate", "momentum", "beta1", "l2", "keep_prob", "batch_size", "decay", "decay_rate"];

/** @param {import("./steer.js").Send} send */
export function settingFields(send) {
  const first = h("div", { class: "fields three" });
  const rest = h("div", { class: "fields three" });
  const more = h("details", null, h("summary", { class: "muted" }, "All settings you can change"), rest);
  const preview = h("p", { class: "preview", "aria-live": "polite" });
  const moment = h("select", { "aria-label": "When", class: "moment" }, MOMENTS.map(([value, title]) => h("option", { value }, title)));
  const epochs = h("input", { type: "number", min: 1, value: 5, "aria-label": "Epochs", hidden: true });
  const apply = h("button", { type: "submit", class: "primary", disabled: true }, "Apply");
  const sending = h("div", { class: "filters" }, moment, epochs, apply);
  const form = h("form", { class: "fields" }, first, more, preview, sending);
  /** @type {Map<string, {input: HTMLInputElement | HTMLSelectElement, setting: Api["Setting"]}>} */
  const inputs = new Map();

  /** @param {string} raw @param {Api["Setting"]} setting */
  const valueOf = (raw, setting) => (setting.choices.length && !["bool", "int", "float"].includes(setting.type) ? raw : parseValue(raw));
  const isChanged = (/** @type {string} */ raw, /** @type {Api["Setting"]} */ setting) => raw !== shown(setting.value);
  function edited() {
    /** @type {Record<string, unknown>} */
    const changes = {};
    for (const [name, { input, setting }] of inputs) if (isChanged(input.value, setting)) changes[name] = valueOf(input.value, setting);
    return changes;
  }
  function show() {
    const changes = edited();
    apply.disabled = Object.keys(changes).length === 0;
    fill(
      preview,
      Object.entries(changes).flatMap(([name, value], index) => [index ? ", " : "", h("strong", null, label(name)), ` ${text(inputs.get(name)?.setting.value)} → ${text(value)}`]),
    );
    for (const { input, setting } of inputs.values()) input.classList.toggle("changed", isChanged(input.value, setting));
  }
  moment.addEventListener("change", () => {
    epochs.hidden = !["epoch", "no_improvement"].includes(moment.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending.hidden) return; // what is edited goes with a fork
    const at = epochs.hidden ? moment.value : `${moment.value}:${epochs.value}`;
    void send("set", edited(), at);
  });

  /** @param {Steering} now */
  function set(now) {
    for (const setting of now.settings) {
      const known = inputs.get(setting.name);
      if (!known) {
        const control = field(setting, show);
        inputs.set(setting.name, { input: control.input, setting });
        (FIRST.includes(setting.name) ? first : rest).append(control.node);
        continue;
      }
      const untouched = !isChanged(known.input.value, known.setting);
      known.setting = setting;
      if (untouched && document.activeElement !== known.input) known.input.value = shown(setting.value);
    }
    more.hidden = !rest.childElementCount;
    show();
  }
  return {
    node: form,
    set,
    edited,
    /** @param {boolean} wanted whether changes can be sent by themselves */
    sends(wanted) {
      sending.hidden = !wanted;
    },
    /** @param {Record<string, unknown>} changes shown as if they had been typed */
    propose(changes) {
      for (const [name, value] of Object.entries(changes)) {
        const known = inputs.get(name);
        if (known) known.input.value = shown(value);
      }
      show();
    },
    forget() {
      for (const { input, setting } of inputs.values()) input.value = shown(setting.value);
      show();
    },
  };
}

/** @param {unknown} value */
function shown(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return JSON.stringify(value);
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/** @param {string} raw */
function parseValue(raw) {
  try {
    return JSON.parse(raw);
  } catch {
    return raw || null; // a plain word, or nothing
  }
}

/**
 * @param {Api["Setting"]} setting
 * @param {() => void} edited
 */
function field(setting, edited) {
  const id = `steer-${setting.name}`;
  const current = shown(setting.value);
  const input = setting.choices.length
    ? h("select", { id }, [...new Set([current, ...setting.choices])].map((choice) => h("option", { value: choice, selected: choice === current }, choice)))
    : h("input", { id, value: current, inputmode: "decimal", autocomplete: "off" });
  input.addEventListener("input", edited);
  const step = (/** @type {number} */ factor) => {
    const value = Number(input.value);
    if (!(value > 0)) return;
    input.value = String(Number((value * factor).toPrecision(3)));
    edited();
  };
  const isRate = setting.type === "float" && typeof setting.value === "number" && setting.value > 0 && !(setting.high !== null && setting.high <= 1); // three times a share makes no sense
  const nudge = (/** @type {string} */ sign, /** @type {number} */ factor) => h("button", { type: "button", class: "small", "aria-label": `${label(setting.name)} ${sign} 3`, onclick: () => step(factor) }, `${sign}3`);
  return { input, node: h("div", { class: "field", title: setting.help }, h("label", { for: id }, label(setting.name)), h("div", { class: "nudged" }, input, isRate ? [nudge("÷", 1 / 3), nudge("×", 3)] : null)) };
}
