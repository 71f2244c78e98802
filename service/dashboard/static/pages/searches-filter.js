/** The filter of the list of searches: text, project, state, and tags and owner as chips; the address holds all of it. */

import { call, isAbort } from "../core/api.js";
import { here } from "../core/base.js";
import { loadCatalog, optionsOf } from "../core/catalog.js";
import { fill, h } from "../core/dom.js";
import { choose } from "../components/parts.js";

const ARCHIVED = "archived"; // among the states, though a search has one beside it
const CHIPS = /** @type {const} */ (["name", "tag", "owner"]);

/**
 * What the address asks of the list, as the REST interface has it.
 * @param {URLSearchParams} query
 * @returns {Record<string, string | string[] | null>}
 */
export function wanted(query) {
  const archived = query.get("state") === ARCHIVED;
  return { text: query.get("text"), name: query.get("name"), project: query.get("project"), tag: query.getAll("tag"), owner: query.get("owner"), state: archived ? null : query.get("state"), archived: archived ? "only" : null };
}

/** @param {URLSearchParams} query */
export function isFiltered(query) {
  return Object.values(wanted(query)).some((value) => value?.length);
}

/** @param {PageContext} context */
export function searchFilter(context) {
  const { query } = context;
  const text = h("input", { type: "search", placeholder: "Name, tag, owner, data ...", "aria-label": "Search by name, project, tag, owner or data set", maxlength: 200, value: query.get("text") ?? "" });
  text.addEventListener("input", () => context.setQuery({ text: text.value.trim() }));
  const projects = choose("Project", [["", "all projects"]], "", (project) => context.setQuery({ project }));
  const states = choose("State", [["", "all states"]], "", (state) => context.setQuery({ state }));
  const chips = h("span", { class: "labels" });
  const draw = () => {
    const { query: now } = context;
    if (document.activeElement !== text) text.value = now.get("text") ?? "";
    projects.value = now.get("project") ?? "";
    states.value = now.get("state") ?? "";
    fill(chips, CHIPS.flatMap((kind) => now.getAll(kind).filter(Boolean).map((value) => chip(kind, value))));
  };
  void loadCatalog().then(({ searchStates }) => {
    states.append(...optionsOf([...searchStates, ARCHIVED]).map(([state, title]) => h("option", { value: state }, title)));
    draw();
  });
  projects.hidden = true;
  void offer(projects, context).then(draw);
  context.onQuery(draw);
  draw();
  return [chips, text, projects, states];
}

/**
 * @param {HTMLSelectElement} projects
 * @param {PageContext} context
 */
async function offer(projects, { query, signal }) {
  const chosen = query.get("project");
  /** @type {Set<string>} */
  const names = new Set(chosen ? [chosen] : []);
  try {
    /** @type {Api["LabelLists"]} */
    const labels = await call("/labels", { signal });
    for (const { name } of labels.projects) names.add(name);
  } catch (error) {
    if (!isAbort(error)) console.warn(error); // the list itself says what is wrong
  }
  projects.append(...[...names].sort().map((name) => h("option", { value: name }, name)));
  projects.hidden = !names.size;
}

/**
 * @param {string} kind
 * @param {string} value
 */
function chip(kind, value) {
  return h("a", { class: "label", href: without(kind, value), title: "Remove this filter" }, `${kind}: ${value}`, h("span", { "aria-hidden": "true" }, " ×"));
}

/**
 * @param {string} kind
 * @param {string} value
 */
function without(kind, value) {
  const query = new URLSearchParams(location.search);
  const rest = query.getAll(kind).filter((one) => one !== value);
  query.delete(kind);
  for (const one of rest) query.append(kind, one);
  return `${here()}?${query}`;
}

/**
 * Project, tags and owner of a search, each a link to the list of those that share it.
 * @param {Search} search
 */
export function labelsOf(search) {
  const { project, tags, owner } = search;
  const link = (/** @type {string} */ kind, /** @type {string} */ value, /** @type {string} */ shown) => h("a", { class: "label", "data-kind": kind, href: `/?${new URLSearchParams({ [kind]: value })}`, title: `Searches with this ${kind}` }, shown);
  const known = owner && owner !== "this machine";
  return [project ? link("project", project, project) : null, ...tags.map((tag) => link("tag", tag, tag)), known ? link("owner", owner, `by ${owner}`) : null].filter((one) => one !== null);
}
