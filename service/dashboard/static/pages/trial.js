/** One trial: what it was told, how it learned, how it ended, where it came from, and what to do next. */

import { ApiError, call, connection, isAbort, withQuery } from "../core/api.js";
import { readCurve } from "../core/branches.js";
import { fill, h, setText } from "../core/dom.js";
import { count, duration, label, sentence, text } from "../core/format.js";
import { measured, objectiveMetric, objectiveName, plannedEpochs, spreadText } from "../core/search-math.js";
import { follow, pause, throttled } from "../core/stream.js";
import { chip, empty, failedPage, setChip, stat, when } from "../components/parts.js";
import { boundaryPicture } from "../pictures/boundary.js";
import { costsPicture } from "../pictures/costs.js";
import { curvesPicture } from "../pictures/curve.js";
import { lossPlanePicture } from "../pictures/loss-plane.js";
import { outcomesPicture } from "../pictures/outcomes.js";
import { trialActions } from "./trial-actions.js";
import { trialBranches } from "./trial-branches.js";
import { SteerPanel } from "./steer.js";
import { trainingPace } from "./steer-progress.js";
import { trialDiagnosis } from "./trial-diagnosis.js";
import { finalTest } from "./trial-final-test.js";
import { trialRecords } from "./trial-records.js";

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, params, signal } = context;
  const id = params[0] ?? "";
  /** @type {Trial} */
  let trial;
  /** @type {Search} */
  let search;
  try {
    ({ trial, search } = await whenBegun(id, outlet, signal));
  } catch (error) {
    if (!isAbort(error)) fill(outlet, ...failedPage(error, "/", "All searches"));
    return;
  }
  context.title(`Trial ${trial.number} of ${search.name}`);
  /** @type {TrialView} */
  const view = { trial: () => trial, search, signal, replaced: take };
  const head = new TrialHead(view);
  /** @type {Curve | null} */
  let shown = null;
  const steer = new SteerPanel(view, () => drawCurve());
  const curves = curvesPicture(view, context, steer, () => again());
  const costs = costsPicture(view);
  const outcomes = outcomesPicture(view);
  const boundary = boundaryPicture(view, context);
  const plane = lossPlanePicture(view);
  const records = trialRecords(view, (hasModel) => {
    head.offerModel(hasModel);
    void tested.load(hasModel);
    void outcomes.load(hasModel);
    boundary.load(hasModel);
    plane.load();
  });
  steer.measure = () => trainingPace(trial, shown, records.checkpoints());
  const diagnosis = trialDiagnosis(view);
  const tested = finalTest(view);
  const branches = trialBranches(view, steer);
  const jump = h("button", { type: "button", class: "primary steerjump signedin", onclick: () => steer.node.scrollIntoView({ behavior: "smooth" }) }, "Steer this trial");
  fill(outlet, head.node, h("div", { class: "beside" }, h("div", { class: "figures" }, curves.node, costs.node), steer.node, jump), branches.node, diagnosis.node, outcomes.node, boundary.node, plane.node, tested.node, records.node);

  function drawCurve() {
    head.inForce(steer.now);
    if (!shown) return;
    curves.draw(shown);
    branches.draw(shown);
  }

  /** @param {Trial} next */
  function take(next) {
    trial = next;
    head.set(next);
  }
  const draw = async () => {
    try {
      const [fresh, curve] = await Promise.all([call(`/trials/${id}`, { signal }), readCurve(id, signal, { whole: curves.whole() })]);
      take(fresh);
      shown = curve;
      head.latest(curve);
      drawCurve();
      costs.draw(curve);
      steer.draw();
      void diagnosis.load();
    } catch (error) {
      if (!isAbort(error)) curves.fail(error);
    }
  };
  const again = throttled(draw, 250, signal);
  const steering = throttled(() => steer.load(), 300, signal);
  const recording = throttled(() => records.load(), 1000, signal);
  connection.addEventListener("up", again, { signal });
  context.onQuery(again);
  recording();
  void steer.load();
  await draw();
  if (trial.ended) return;
  void follow(
    withQuery(`/trials/${id}/events`, { since: shown && seen(trial, shown) }),
    ({ event }) => {
      again();
      if (event === "epoch" || event === "cost") return;
      recording();
      steering();
    },
    signal,
  );
}

/**
 * Where the stream of a trial begins that need not tell what a curve holds: an id as its events have it.
 * @param {Trial} trial
 * @param {Curve} curve
 */
function seen(trial, curve) {
  const line = curve.branches.at(-1);
  return `0-${line?.branch ?? trial.branch}-${line?.epoch.at(-1) ?? 0}-${(curve.costs.step.at(-1) ?? -1) + 1}`;
}

/**
 * Give a trial and its search; one that the search has still to begin is waited for, and the page says so.
 * @param {string} id
 * @param {HTMLElement} outlet
 * @param {AbortSignal} signal
 * @returns {Promise<{trial: Trial, search: Search}>}
 */
async function whenBegun(id, outlet, signal) {
  const [of, number] = id.split(".");
  for (;;) {
    /** @type {Search} */
    const search = await call(`/searches/${of}`, { signal });
    try {
      return { trial: await call(`/trials/${id}`, { signal }), search };
    } catch (error) {
      const missing = error instanceof ApiError && error.status === 404;
      if (!missing || search.ended || !(Number(number) < (search.budget.trials ?? 0))) throw error;
    }
    const back = h("a", { href: `/searches/${of}` }, search.name);
    fill(outlet, empty(`Trial ${number} has not started`, h("p", null, "It appears here as soon as an agent starts it. Search: ", back, ".")));
    await pause(1000, signal);
  }
}

/** How the reason of an end is shown, and what is to be added to it. */
const REASONS = /** @type {Record<string, {look: string, more?: string}>} */ ({
  failed: { look: "problem" },
  diverged: { look: "warning-note", more: "The usual cause is a learning rate that is too high for the other settings." },
});

/** Name, state, result and the settings of the trial. */
class TrialHead {
  /** @param {TrialView} view */
  constructor(view) {
    const { search } = view;
    const trial = view.trial();
    this.view = view;
    this.state = chip(trial.state);
    this.reason = h("p");
    this.aside = h("p", { class: "problem", hidden: true });
    this.values = { value: h("span"), epoch: h("span"), time: h("span"), train: h("span"), attempt: h("span") };
    this.train = stat("train error", this.values.train);
    const value = stat(objectiveName(search), this.values.value);
    value.lastElementChild?.classList.add("best");
    this.actions = h("div", { class: "actions signedin" });
    this.origin = h("p", { class: "muted" });
    this.settings = h("dl", { class: "settings" }, settings(trial, search, new Map()));
    this.node = h(
      "div",
      { class: "page" },
      h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: "/" }, "Searches"), "/", h("a", { href: `/searches/${search.id}` }, search.name), "/", h("span", null, `trial ${trial.number}`)),
      h("div", { class: "pagehead" }, h("h1", null, `Trial ${trial.number}`), this.state, this.actions),
      this.reason,
      this.aside,
      h("section", { class: "card summary", "aria-label": "Result" }, h("div", { class: "stats" }, value, this.train, stat("Epochs", this.values.epoch), stat("Time", this.values.time), stat("Attempt", this.values.attempt))),
      h("section", { class: "card" }, h("div", { class: "cardhead" }, h("h2", null, "Settings")), this.settings, this.origin),
    );
    this.hasModel = false;
    this.actionsFor = "";
    /** @type {Branch | undefined} */
    this.branch = undefined;
    this.set(trial);
  }

  /**
   * While it trains, the newest epoch stands for the result.
   * @param {Curve} curve
   */
  latest(curve) {
    const { branch: present, metrics } = this.view.trial();
    this.branch = curve.branches.find((branch) => branch.branch === present);
    this.train.hidden = curve.columns.length > 0 && !curve.columns.includes("train_error") && metrics?.train_error === undefined;
    if (!this.view.trial().ended) this.live();
  }

  /**
   * Settings that commands changed are shown as they were and as they are.
   * @param {Steering | null} steering
   */
  inForce(steering) {
    if (!steering?.commands.some(({ kind }) => kind === "set")) return;
    fill(this.settings, settings(this.view.trial(), this.view.search, new Map(steering.settings.map(({ name, value }) => [name, value]))));
  }

  live() {
    const last = (/** @type {string} */ name) => measured(this.view.search, name, /** @type {any} */ (this.branch?.[name])?.at(-1));
    if (!this.branch) return;
    setText(this.values.value, last(objectiveMetric(this.view.search)));
    setText(this.values.train, last("train_error"));
  }

  /** @param {Trial} trial */
  set(trial) {
    const { values } = this;
    setChip(this.state, trial.state);
    this.reason.className = REASONS[trial.state]?.look ?? "muted";
    setText(this.reason, [sentence(trial.reason ?? ""), REASONS[trial.state]?.more ?? ""].join(" "));
    this.reason.hidden = !trial.reason;
    setText(this.aside, asideWords(trial));
    this.aside.hidden = !(trial.excluded || trial.broken);
    const { search } = this.view;
    const metric = objectiveMetric(search);
    setText(values.value, measured(search, metric, trial.value ?? trial.metrics?.[metric]) + spreadText(search, trial, metric));
    setText(values.train, measured(search, "train_error", trial.metrics?.train_error));
    const planned = plannedEpochs(search.spec, trial);
    setText(values.epoch, planned ? `${count(trial.epoch)} of ${count(planned)}` : count(trial.epoch));
    setText(values.attempt, count(trial.attempt));
    const end = trial.ended ? Date.parse(trial.ended) : Date.now();
    setText(values.time, trial.started ? duration((end - Date.parse(trial.started)) / 1000) : "–");
    if (!trial.ended) this.live();
    const key = `${trial.state} ${this.hasModel} ${trial.excluded_at}`;
    if (this.actionsFor === key) return;
    this.actionsFor = key;
    fill(this.actions, trialActions(this.view, this.hasModel));
    fill(this.origin, origin(trial));
  }

  /** @param {boolean} hasModel */
  offerModel(hasModel) {
    this.hasModel = hasModel;
    this.set(this.view.trial());
  }
}

/**
 * @param {Trial} trial
 * @param {Search} search
 * @param {Map<string, unknown>} inForce settings as they are now, where they may have changed
 */
function settings(trial, search, inForce) {
  const rest = Object.entries(search.spec.settings ?? {}).filter(([name]) => !(name in trial.params));
  const shown = (/** @type {string} */ name, /** @type {unknown} */ value) => h("dd", null, text(value), inForce.has(name) && text(inForce.get(name)) !== text(value) ? ` → ${text(inForce.get(name))}` : null);
  return [
    ...Object.entries(trial.params).filter(([, value]) => value !== null).map(([name, value]) => h("div", { class: "searched" }, h("dt", null, label(name)), shown(name, value))),
    ...rest.map(([name, value]) => h("div", { title: "the same in every trial of the search" }, h("dt", null, label(name)), shown(name, value))),
    h("div", null, h("dt", null, "seed"), h("dd", null, String(trial.seed))),
  ];
}

/**
 * Why its value does not count, where it does not.
 * @param {Trial} trial
 */
function asideWords(trial) {
  if (trial.excluded) return `Excluded by ${trial.excluded_by}: ${trial.excluded}`;
  return trial.broken ? `Does not count because it breaks a constraint: ${trial.broken}.` : "";
}

const ORIGINS = /** @type {Record<string, string>} */ ({ coarse: "coarse search", fine: "fine search" });

/** @param {string} kind */
function originWords(kind) {
  return ORIGINS[kind] ?? kind.replaceAll("_", " ");
}

/** @param {Trial} trial */
function origin(trial) {
  const from = trial.origin;
  const parts = [];
  if (from) {
    parts.push(`Origin: ${originWords(from.kind)}${from.round !== null && from.round !== undefined ? `, round ${from.round}` : ""}`);
    if (from.parent) parts.push(", after ", h("a", { href: `/trials/${from.parent}` }, `trial ${from.parent}`));
    parts.push(from.why ? ` (${from.why}). ` : ". ");
    if (trial.from_epoch) parts.push(`Its own curve begins after epoch ${count(trial.from_epoch)}. `);
  }
  if (trial.ended) parts.push("Ended ", when(trial.ended), trial.agent ? ` on ${trial.agent}.` : ".");
  return h("span", null, parts);
}
