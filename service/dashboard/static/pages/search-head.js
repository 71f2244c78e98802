/** The head of a search: name, state, progress, rate, time left, best, and what can be done to it. */

import { fill, h, setText } from "../core/dom.js";
import { count, duration, sentence } from "../core/format.js";
import { elapsed, isOver, lostShares, measured, objectiveMetric, objectiveName, progressText, rateText, share, timeLeft } from "../core/search-math.js";
import { chip, Progress, setSearchChip, stat } from "../components/parts.js";
import { searchActions } from "./search-actions.js";
import { labelsOf } from "./searches-filter.js";
import { FailureNotes } from "./search-failures.js";

export class SearchHead {
  /**
   * @param {Search} search
   * @param {{replaced: (search: Search) => void, removed: () => void, refresh: () => Promise<void>}} hooks
   */
  constructor(search, hooks) {
    this.hooks = hooks;
    this.name = h("h1", null, search.name);
    this.state = chip(search.state);
    this.actions = h("div", { class: "actions signedin" });
    this.progress = new Progress(`Progress of ${search.name}`);
    this.counts = h("div", { class: "countline" });
    this.labels = h("div", { class: "labels" });
    this.end = h("p", { class: "hint", hidden: true });
    this.warnings = h("div", { class: "notes", hidden: true });
    this.failures = new FailureNotes();
    this.best = h("span");
    this.values = { done: h("span"), rate: h("span"), left: h("span"), parallel: h("span"), time: h("span") };
    this.leftName = stat("Time left", this.values.left);
    this.bestStat = stat(`Best ${objectiveName(search)}`, this.best);
    this.bestStat.lastElementChild?.classList.add("best");
    this.progressCard = h(
      "section",
      { class: "card summary", "aria-label": "Progress" },
      h("div", { class: "stats" }, this.bestStat, stat("Trials finished", this.values.done), stat("Rate", this.values.rate), this.leftName, stat("Running time", this.values.time), stat("In parallel", this.values.parallel)),
      this.progress.node,
      this.counts,
      this.failures.small,
    );
    this.node = h(
      "div",
      { class: "page" },
      h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: "/" }, "Searches"), "/", h("span", null, `search ${search.id}`)),
      h("div", { class: "pagehead" }, this.name, this.state, this.labels, this.actions),
      this.end,
      this.failures.loud,
      this.warnings,
    );
    this.actionsFor = "";
    this.set(search);
  }

  /** @param {Search} search */
  set(search) {
    setText(this.name, search.name);
    setSearchChip(this.state, search);
    this.progress.set(share(search), search.state, lostShares(search));
    setText(this.values.done, progressText(search));
    setText(this.values.rate, isOver(search) ? overallRate(search) : rateText(search.rate));
    setText(this.values.left, timeLeft(search) ?? "–");
    this.leftName.hidden = isOver(search);
    setText(this.values.parallel, count(search.parallel));
    setText(this.values.time, duration(elapsed(search)));
    this.end.hidden = !search.ended_by || search.ended_by.budget === "trials";
    setText(this.end, search.ended_by ? `Ended by its budget of ${search.ended_by.budget}: ${sentence(search.ended_by.text)}` : "");
    this.setBest(search);
    this.setCounts(search);
    this.failures.set(search); // before the warnings, one of which it may tell
    const warnings = search.warnings.filter((warning) => !this.failures.tells(warning)).map(warningText);
    if (search.drift) warnings.unshift(search.drift);
    if ((this.warnings.dataset.shown ?? "") !== warnings.join("\n")) {
      this.warnings.dataset.shown = warnings.join("\n");
      this.warnings.hidden = !warnings.length;
      fill(this.warnings, warnings.map((text) => h("p", { class: "warning-note" }, text)));
    }
    const labels = JSON.stringify([search.project, search.tags, search.archived]);
    if (this.labels.dataset.shown !== labels) {
      this.labels.dataset.shown = labels;
      fill(this.labels, labelsOf(search), search.archived ? h("a", { class: "label", href: "/?state=archived", title: "The list leaves it out" }, "archived") : null);
    }
    const actions = `${search.state} ${Boolean(search.counts.failed)} ${Boolean(search.archived)}`;
    if (this.actionsFor === actions) return;
    this.actionsFor = actions;
    fill(this.actions, searchActions(search, this.hooks));
  }

  /** @param {Search} search */
  setBest(search) {
    const shown = search.best ? `${search.best.trial}:${search.best.value}` : "none";
    if (this.best.dataset.shown === shown) return;
    this.best.dataset.shown = shown;
    if (search.best) fill(this.best, h("a", { href: `/trials/${search.best.trial}` }, measured(search, objectiveMetric(search), search.best.value)), h("small", null, ` trial ${search.best.number}`));
    else fill(this.best, "–");
  }

  /** @param {Search} search */
  setCounts(search) {
    const present = Object.entries(search.counts).filter(([, amount]) => amount > 0);
    const text = JSON.stringify(present);
    if (this.counts.dataset.shown === text) return;
    this.counts.dataset.shown = text;
    fill(this.counts, present.map(([state, amount]) => h("a", { class: "muted", href: `/searches/${search.id}?view=trials&state=${state}` }, chip(state), ` ${count(amount)}`)));
  }
}

/** @param {string | ProblemItem} warning */
function warningText(warning) {
  return typeof warning === "string" ? warning : `${sentence(warning.message)} ${sentence(warning.remedy ?? "")}`;
}

/** @param {Search} search */
function overallRate(search) {
  const seconds = elapsed(search);
  return rateText(seconds && search.finished ? search.finished / seconds : null);
}
