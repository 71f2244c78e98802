/** A new search: from a form, an example, another search, or YAML; checked while typing by the server's own rules. */

import { ApiError, call, isAbort, request } from "../core/api.js";
import { loadCatalog } from "../core/catalog.js";
import { fill, h } from "../core/dom.js";
import { sentence, stopped } from "../core/format.js";
import { EXAMPLES } from "../core/presets.js";
import { go } from "../core/router.js";
import { dropFile } from "../components/drop.js";
import { toYaml } from "../core/yaml.js";
import { problem } from "../components/parts.js";
import { basicsForm } from "./new-fields.js";
import { methodForm } from "./new-how.js";
import { loadTrainers, settingsOf, settingsTable } from "./new-settings.js";
import { foldsForm } from "./new-folds.js";
import { measuresForm } from "./new-measures.js";
import { spaceForm } from "./new-space.js";
import { clean } from "./search-definition.js";

const DRAFT = "caviar-draft";

/**
 * The form's state: one search as it would be submitted, and who wants to hear of changes.
 * @typedef {object} Draft
 * @property {FullSpec} spec
 * @property {() => void} changed
 * @property {Trainer[]} trainers those the server knows, with their settings
 * @property {import("../core/catalog.js").Catalog} catalog
 */

/** @param {PageContext} context */
export async function page(context) {
  const { outlet, signal } = context;
  context.title("New search");
  const form = h("div", { class: "page" });
  const yaml = h("textarea", { rows: 34, spellcheck: "false", "aria-label": "The search as YAML", class: "yaml" });
  const said = h("div", { "aria-live": "polite" });
  const submit = h("button", { type: "button", class: "primary big" }, "Start the search");
  const aside = h(
    "aside",
    { class: "card sidebar" },
    h("div", { class: "cardhead" }, h("h2", null, "As YAML")),
    h("p", { class: "hint" }, "The same search as text. Edit it, paste another or drop a file; the form updates."),
    yaml,
    said,
    submit,
  );
  fill(outlet, h("div", { class: "pagehead" }, h("h1", null, "New search")), starts(context));

  /** @type {Draft} */
  const draft = { spec: await firstSpec(context), changed: () => changed(true), trainers: await loadTrainers(signal), catalog: await loadCatalog() };
  if (signal.aborted) return;
  outlet.append(h("div", { class: "formgrid" }, form, aside)); // not before: what is typed must not be written over
  let timer = 0;
  let newest = 0; // of the questions to the server: an older answer is not of what is shown now

  /** @param {boolean} write whether the text shall follow the form */
  function changed(write) {
    if (write) yaml.value = toYaml(clean(draft.spec));
    sessionStorage.setItem(DRAFT, JSON.stringify(draft.spec));
    clearTimeout(timer);
    timer = window.setTimeout(() => void check(), 250);
  }
  function fields() {
    const settings = settingsOf(draft);
    fill(form, basicsForm(draft, draw), foldsForm(draft, draw), measuresForm(draft, draw), spaceForm(draft, settings, draw), methodForm(draft, draw), settingsTable(draft.spec.trainer, settings));
  }
  function draw() {
    fields();
    changed(true);
  }
  async function check() {
    newest += 1;
    const mine = newest;
    try {
      const { errors } = await call("/searches/check", { method: "POST", json: draft.spec, signal });
      if (mine !== newest) return;
      showErrors(form, said, errors);
      submit.disabled = errors.length > 0;
    } catch (error) {
      if (mine === newest && !isAbort(error)) fill(said, problem(error));
    }
  }
  async function fromText() {
    newest += 1;
    clearTimeout(timer);
    try {
      const { spec } = await call("/searches/parse", { method: "POST", body: yaml.value, headers: { "Content-Type": "application/yaml" }, signal });
      draft.spec = complete(spec);
      fields();
      changed(false);
    } catch (error) {
      if (!isAbort(error)) fill(said, problem(error));
    }
  }
  let typing = 0;
  yaml.addEventListener("input", () => {
    clearTimeout(typing);
    typing = window.setTimeout(() => void fromText(), 350);
  });
  dropFile(outlet, async (file) => {
    yaml.value = await file.text();
    await fromText();
  });
  submit.addEventListener("click", () => void send(draft, said, submit));
  context.onQuery(async () => {
    draft.spec = await firstSpec(context);
    draw();
  });
  draw();
}

/** @param {PageContext} context */
function starts({ query }) {
  const [from, after] = [query.get("from"), query.get("after")];
  const source = from ? `Copied from search ${from}. Or start from an example:` : after ? ["Follows from the diagnosis of ", h("a", { href: `/trials/${after}` }, `trial ${after}`), ". Or start from an example:"] : "Start from an example:";
  return h(
    "div",
    { class: "filters" },
    h("span", { class: "muted" }, source),
    Object.entries(EXAMPLES).map(([name, { title }]) => h("a", { class: "button small", href: `/new?example=${name}` }, title)),
  );
}

/**
 * @param {PageContext} context
 * @returns {Promise<FullSpec>}
 */
async function firstSpec({ query, signal }) {
  const from = query.get("from");
  if (from) {
    /** @type {Search} */
    const search = await call(`/searches/${from}`, { signal });
    const { lag: _, warm_start: __, ...spec } = search.spec;
    const version = query.get("version");
    if (version) spec.dataset = onVersion(spec.dataset, await call(`/datasets/${version}`, { signal }));
    return complete({ ...spec, name: `${search.name} again` });
  }
  const after = query.get("after");
  if (after) {
    const { next_search } = await call(`/trials/${after}/diagnosis`, { signal });
    if (next_search) return complete(next_search);
  }
  const dataset = query.get("dataset");
  if (dataset) return complete({ ...structuredClone(EXAMPLES.digits?.spec), name: dataset, dataset: { name: dataset } });
  const example = EXAMPLES[query.get("example") ?? ""];
  if (example) return complete(structuredClone(example.spec));
  const kept = sessionStorage.getItem(DRAFT);
  return complete(kept ? JSON.parse(kept) : structuredClone(EXAMPLES.digits?.spec));
}

/**
 * Put a version of a data set in the place of the one whose labels it corrects.
 * @param {any} dataset
 * @param {Dataset} made
 */
function onVersion(dataset, made) {
  const renamed = (/** @type {any} */ source) => (source && made.version && source.name === made.version.of ? { ...source, name: made.name } : source);
  return { ...renamed(dataset), ...(dataset.dev ? { dev: renamed(dataset.dev) } : {}) };
}

/**
 * Give every part the form edits a value.
 * @param {any} spec
 * @returns {FullSpec}
 */
function complete(spec) {
  const given = spec ?? {};
  return {
    ...given,
    name: given.name ?? "search",
    dataset: given.dataset ?? {},
    trainer: given.trainer ?? "mlp",
    settings: given.settings ?? {},
    space: given.space ?? {},
    strategy: given.strategy ?? { name: "coarse_to_fine" },
    stopping: given.stopping ?? { name: "none" },
    objective: given.objective ?? { metric: "dev_error", direction: "minimize" },
    budget: given.budget ?? {},
    seed: given.seed ?? 0,
  };
}

/**
 * Put each error beside its field, and what has no field below the text.
 * @param {HTMLElement} form
 * @param {HTMLElement} said
 * @param {ProblemItem[]} errors
 */
function showErrors(form, said, errors) {
  for (const old of form.querySelectorAll(".fielderror")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const rest = errors.filter((error) => !place(form, error));
  fill(said, rest.length ? problem(new ApiError({ type: "", title: "Not a valid search yet", status: 422, detail: "", errors: rest })) : null);
}

/**
 * @param {HTMLElement} form
 * @param {ProblemItem} error
 */
function place(form, error) {
  const parts = error.field.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const field = form.querySelector(`[data-field="${CSS.escape(parts.slice(0, length).join("."))}"]`);
    if (!field) continue;
    if (field.matches("input, select, textarea")) field.setAttribute("aria-invalid", "true");
    const home = field.closest(".field, .spacerow") ?? field;
    const folded = field.closest("details");
    if (folded) folded.open = true;
    home.append(h("p", { class: "fielderror", role: "alert" }, `${stopped(error.message)} `, h("span", { class: "remedy" }, sentence(error.remedy))));
    return true;
  }
  return false;
}

/**
 * @param {Draft} draft
 * @param {HTMLElement} said
 * @param {HTMLButtonElement} submit
 */
async function send(draft, said, submit) {
  submit.disabled = true;
  try {
    const answer = await request("/searches", { method: "POST", json: draft.spec, headers: { "Idempotency-Key": crypto.randomUUID() } });
    const { id } = await answer.json();
    sessionStorage.removeItem(DRAFT);
    go(`/searches/${id}`);
  } catch (error) {
    fill(said, problem(error));
    submit.disabled = false;
  }
}
