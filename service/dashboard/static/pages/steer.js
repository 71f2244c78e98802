/** Steering a trial: settings in force, fields that preview and send commands, a point of the curve to go back to, advice. */

import { ApiError, call, isAbort } from "../core/api.js";
import { fill, h, setText } from "../core/dom.js";
import { count, duration } from "../core/format.js";
import { go } from "../core/router.js";
import { problem, toast } from "../components/parts.js";
import { settingFields } from "./steer-fields.js";
import { adviceList, child, commandLog } from "./steer-log.js";
import { rewindEstimate } from "./steer-progress.js";

/** So many commands are shown before a person asks for all. */
const FEW = 8;
const TICK = 500; // milliseconds between two looks at commands that wait

/** @typedef {(kind: string, args?: Record<string, unknown>, at?: string) => Promise<Command | undefined>} Send */

export class SteerPanel {
  /**
   * @param {TrialView} view
   * @param {() => void} changed draw the curve again: there are new commands to mark
   */
  constructor(view, changed) {
    this.view = view;
    this.changed = changed;
    /** @type {Steering | null} */
    this.now = null;
    /** @type {{epoch: number, branch: number} | null} */
    this.point = null;
    this.said = h("div", { "aria-live": "polite" });
    this.buttons = h("div", { class: "filters" });
    this.chosen = h("div", { class: "chosenpoint", hidden: true });
    this.ended = h("p", { class: "muted ended", hidden: true });
    this.advice = h("div");
    this.log = h("ol", { class: "records commands" });
    this.more = h("button", { type: "button", class: "small", hidden: true, onclick: () => this.showAll() });
    this.all = false;
    /** @type {number | undefined} */
    this.clock = undefined;
    this.fields = settingFields((kind, args, at) => this.send(kind, args, at));
    const left = h("section", { class: "card steer signedin", "aria-label": "Steering" }, h("div", { class: "cardhead" }, h("h2", null, "Steer"), h("span", { class: "spacer" }), this.buttons), this.ended, this.chosen, this.fields.node, this.said);
    const right = h("section", { class: "card", "aria-label": "Commands" }, h("div", { class: "cardhead" }, h("h2", null, "Commands")), this.advice, this.log, this.more);
    this.node = h("div", { class: "steerside", hidden: true }, left, right);
    /** @type {() => import("./steer-progress.js").Pace} set by the page, which knows curve and checkpoints */
    this.measure = () => ({ secondsPerEpoch: null, checkpoints: [] });
    this.closeByEscape();
    this.drawnFor = "";
  }

  /** Escape closes what a click on the curve opened, unless a dialog is in front. */
  closeByEscape() {
    const close = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && this.point && !document.querySelector("dialog[open]")) this.unpick();
    };
    document.addEventListener("keydown", close, { signal: this.view.signal });
  }

  async load() {
    const { id } = this.view.trial();
    try {
      this.now = await call(`/trials/${id}/steering`, { signal: this.view.signal });
    } catch (error) {
      if (!isAbort(error)) fill(this.said, problem(error));
    }
    this.draw();
    this.changed();
  }

  draw() {
    const { now } = this;
    if (!now) return;
    const over = Boolean(this.view.trial().ended);
    this.node.hidden = over && !now.commands.length && this.view.search.mode !== "panda" && !this.point;
    this.drawFields(over);
    commandLog(this.log, now.commands, { over, limit: this.all ? Infinity : FEW, pace: this.measure(), withdraw: (id) => void this.withdraw(id) });
    clearTimeout(this.clock);
    if (now.commands.some(({ state }) => state === "waiting") && !this.view.signal.aborted) this.clock = setTimeout(() => this.draw(), TICK);
    setText(this.more, `Show all ${count(now.commands.length)}`);
    this.more.hidden = this.all || now.commands.length <= FEW;
    adviceList(this.advice, [...now.advice, ...(now.outlook ? [now.outlook] : [])], (command) => this.follow(command));
    const key = `${this.view.trial().state}`;
    if (key === this.drawnFor) return;
    this.drawnFor = key;
    fill(this.buttons, this.buttonsFor(this.view.trial()));
  }

  /**
   * A trial that is over takes no new settings, but a fork from one of its points does.
   * @param {boolean} over
   */
  drawFields(over) {
    const { now } = this;
    if (!now) return;
    const forks = this.point !== null && now.settings.length > 0;
    setText(this.ended, this.point ? "The trial has ended. A fork continues from here as a new trial, with your changes below." : "The trial has ended. Click a point on its curve to fork a new trial from there, or train it longer.");
    this.ended.hidden = !over || (this.point !== null && !forks);
    this.fields.node.hidden = !now.settings.length || (over && !forks);
    this.fields.sends(!over);
    this.fields.set(now);
  }

  showAll() {
    this.all = true;
    this.draw();
  }

  /**
   * Act on advice; a fork waits for a second look, with its changes filled in.
   * @param {{kind: string, arguments: Record<string, any>, when?: {at: string}}} command
   */
  follow(command) {
    if (command.kind !== "fork") {
      void this.send(command.kind, command.arguments, command.when?.at);
      return;
    }
    this.pick(command.arguments.epoch, command.arguments.branch ?? this.view.trial().branch);
    this.fields.propose(command.arguments.changes ?? {});
  }

  /** @param {Trial} trial */
  buttonsFor({ state, ended }) {
    const button = (/** @type {string} */ title, /** @type {() => unknown} */ pressed, kind = "") => h("button", { type: "button", class: kind, onclick: pressed }, title);
    const extend = button("10 more epochs", () => this.extend());
    if (ended) return state === "failed" || state === "cancelled" ? [] : [extend];
    return [
      state === "paused" ? button("Resume", () => this.send("resume"), "primary") : button("Pause", () => this.send("pause")),
      button("Checkpoint", () => this.send("checkpoint")),
      extend,
      button("Stop", () => this.send("stop"), "danger"),
    ];
  }

  /**
   * A point of the curve was clicked: offer to go back there, or to take the other road from it.
   * @param {number} epoch
   * @param {number} branch
   */
  pick(epoch, branch) {
    this.point = { epoch, branch };
    this.node.hidden = false;
    const over = Boolean(this.view.trial().ended);
    const rewind = h("button", { type: "button", class: "primary", hidden: over, onclick: () => this.go("rewind") }, "Rewind to here");
    const fork = h("button", { type: "button", class: over ? "primary" : "", onclick: () => this.go("fork") }, "Fork from here");
    const forget = h("button", { type: "button", class: "quiet", onclick: () => this.unpick() }, "Cancel");
    this.chosen.hidden = false;
    this.drawFields(over);
    const wait = rewindEstimate(this.measure(), epoch);
    fill(this.chosen, h("strong", null, `Epoch ${epoch}`), h("span", { class: "muted" }, branch ? `of branch ${branch}` : ""), rewind, fork, forget, wait && !over ? h("p", { class: "hint" }, `A rewind retrains up to this epoch from the last checkpoint before it: about ${duration(wait)}.`) : null);
    this.changed();
    if (!inView(this.chosen)) this.chosen.scrollIntoView({ block: "center" });
  }

  unpick() {
    this.point = null;
    this.chosen.hidden = true;
    this.drawFields(Boolean(this.view.trial().ended));
    this.changed();
  }

  /** One that is over goes on as a new trial, which is shown then. */
  async extend() {
    const made = await this.send("extend", { epochs: 10 });
    const trial = made && child(made);
    if (trial) go(`/trials/${trial}`);
  }

  /** @param {"rewind" | "fork"} kind */
  async go(kind) {
    if (!this.point) return;
    const changes = kind === "fork" ? this.fields.edited() : {};
    const done = await this.send(kind, { ...this.point, ...(Object.keys(changes).length ? { changes } : {}) });
    if (!done) return;
    this.unpick();
    const made = child(done);
    if (kind === "fork" && made) go(`/trials/${made}`);
  }

  /** @type {Send} */
  async send(kind, args = {}, at = "now") {
    const { id } = this.view.trial();
    try {
      const given = await call(`/trials/${id}/commands`, {
        method: "POST",
        json: { commands: [{ kind, arguments: args, when: { at } }] },
        headers: { "Idempotency-Key": crypto.randomUUID(), ...(this.now ? { "If-Match": `"${this.now.version}"` } : {}) },
      });
      fill(this.said);
      toast(at === "now" ? "Sent." : `Will happen at ${at.replace("_", " ").replace(":", " ")}.`);
      this.fields.forget();
      void this.load();
      return given.items[0];
    } catch (error) {
      const stale = error instanceof ApiError && error.status === 412;
      fill(this.said, stale ? h("p", { class: "warning-note" }, "Somebody else steered this trial in the meantime. Check the commands, then send again.") : problem(error));
      if (stale) void this.load();
      return undefined;
    }
  }

  /** @param {number} command */
  async withdraw(command) {
    try {
      await call(`/trials/${this.view.trial().id}/commands/${command}`, { method: "DELETE" });
      toast("Undone.");
      await this.load();
    } catch (error) {
      fill(this.said, problem(error));
    }
  }
}

/** @param {HTMLElement} node */
function inView(node) {
  const { top, bottom } = node.getBoundingClientRect();
  return top >= 0 && bottom <= window.innerHeight;
}
