/** What was asked of a trial and what became of it, newest first; and the advice, with the command that would act on it. */

import { fill, h, keyed, setText } from "../core/dom.js";
import { commandText } from "../core/commands.js";
import { count, label, text } from "../core/format.js";
import { when } from "../components/parts.js";
import { commandProgress } from "./steer-progress.js";

/**
 * Newest first; of many the newest, and all that still wait.
 * @param {HTMLElement} list
 * @param {Command[]} commands
 * @param {{over: boolean, limit: number, pace: import("./steer-progress.js").Pace, withdraw: (id: number) => void}} options over: the trial has ended
 */
export function commandLog(list, commands, { over, limit, pace, withdraw }) {
  if (!commands.length) {
    fill(list, h("li", { class: "muted" }, over ? "No commands were sent." : "None yet. Change a field and press Apply, or click a point on the curve to go back to it."));
    return;
  }
  keyed(
    list,
    [...commands].reverse().filter(({ state }, index) => index < limit || state === "waiting"),
    (command) => `${command.id}:${command.state}`,
    (command) =>
      h(
        "li",
        null,
        h("span", { class: `badge ${command.state}` }, command.state === "applied" ? "done" : command.state),
        h("strong", null, commandText(command)),
        h("span", { class: "muted moment" }, moment(command) ? `${moment(command)} · ` : "", when(command.created)),
        command.state === "waiting" ? h("span", { class: "commandprogress" }) : null,
        child(command) ? h("a", { href: `/trials/${child(command)}` }, `trial ${child(command)}`) : null,
        command.reason ? h("span", { class: "remedy" }, command.reason) : null,
        command.state === "waiting" ? h("button", { type: "button", class: "small", onclick: () => withdraw(command.id) }, "Undo") : null,
      ),
    (node, command) => {
      const progress = node.querySelector(".commandprogress");
      if (progress instanceof HTMLElement) setText(progress, commandProgress(command, pace));
    },
  );
}

/**
 * The trial that a fork or an extension made.
 * @param {Command} command
 * @returns {string | undefined}
 */
export function child({ after }) {
  return typeof after?.trial === "string" ? after.trial : undefined;
}

/** @param {Command} command */
function moment(command) {
  if (command.state === "applied" && command.step !== null) return `at step ${count(command.step)}, epoch ${command.epoch}`;
  const { at = "now" } = command.when;
  return at === "now" ? "" : `due: ${at.replace("_", " ").replace(":", " ")}`;
}

/**
 * @param {HTMLElement} place
 * @param {Api["AdviceRecord"][]} advice
 * @param {(command: any) => void} act
 */
export function adviceList(place, advice, act) {
  const key = JSON.stringify(advice);
  if (place.dataset.shown === key) return;
  place.dataset.shown = key;
  fill(
    place,
    advice.map((each) =>
      h("div", { class: "advice" }, h("div", null, h("strong", null, each.kind.replaceAll("_", " ")), ` since epoch ${each.since}. `, each.text, again(each.settings)), each.command ? h("button", { type: "button", class: "small", onclick: () => act(each.command) }, actionText(/** @type {any} */ (each.command))) : null),
    ),
  );
}

/**
 * What another trial needs where this one is past help.
 * @param {Record<string, any> | null} settings
 */
function again(settings) {
  return settings ? ` Another trial needs ${Object.entries(settings).map(([name, value]) => `${name}: ${value}`).join(", ")}.` : "";
}

/**
 * What a button of advice does: "rewind to epoch 7", "10 more epochs", "fork at epoch 7, learning rate 0.01".
 * @param {{kind: string, arguments: Record<string, any>}} command
 */
function actionText({ kind, arguments: args }) {
  if (kind === "extend") return `${count(args.epochs)} more epochs`;
  if (kind === "rewind") return `rewind to epoch ${count(args.epoch)}`;
  const values = Object.entries(kind === "fork" ? (args.changes ?? {}) : args).map(([name, value]) => `${label(name)} ${text(value)}`);
  return [kind === "fork" ? `fork at epoch ${count(args.epoch)}` : "set", values.join(", ")].filter(Boolean).join(kind === "fork" ? ", " : " ");
}
