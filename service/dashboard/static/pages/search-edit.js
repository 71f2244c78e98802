/** Change a search while it runs: budget, parallel, space, name, labels, note. If somebody else changed it meanwhile, the server says so. */

import { ApiError, call, request } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { toYaml } from "../core/yaml.js";
import { openDialog } from "../components/dialog.js";
import { problem, toast } from "../components/parts.js";

/**
 * @param {number} id
 * @param {(search: Search) => void} replaced
 */
export async function editSearch(id, replaced) {
  const answer = await request(`/searches/${id}`);
  /** @type {Search} */
  const search = await answer.json();
  const etag = answer.headers.get("ETag");
  const space = toYaml({ space: search.spec.space });
  const fields = {
    name: h("input", { id: "edit-name", value: search.name }),
    project: h("input", { id: "edit-project", maxlength: 100, value: search.project ?? "" }),
    tags: h("input", { id: "edit-tags", value: search.tags.join(", ") }),
    note: h("textarea", { id: "edit-note", rows: 3 }, search.note ?? ""),
    trials: h("input", { id: "edit-trials", type: "number", min: 1, value: search.budget.trials ?? "" }),
    base: h("input", { id: "edit-base", type: "number", min: 0, step: "any", value: search.spec.base_error ?? "", placeholder: "0" }),
    source: h("input", { id: "edit-source", maxlength: 200, value: search.spec.base_error_source ?? "", placeholder: "two doctors, the model in use" }),
    parallel: h("input", { id: "edit-parallel", type: "number", min: 1, value: search.parallel }),
    space: h("textarea", { id: "edit-space", class: "yaml", rows: Math.min(12, space.split("\n").length + 1), spellcheck: "false", wrap: "off" }, space),
  };
  const said = h("div");
  const save = h("button", { class: "primary", type: "submit", form: "edit-form" }, "Save");
  const back = h("button", { type: "button" }, "Back");
  const form = h("form", { id: "edit-form", class: "fields" }, row("Name", fields.name), row("Project", fields.project), row("Tags, with commas between them", fields.tags), row("Number of trials", fields.trials), row("In parallel", fields.parallel), row("Base error: what people or the best known model get wrong, as a share", fields.base), row("Source of the base error", fields.source), row("Space, as YAML or JSON; new trials are drawn from it", fields.space), row("Note", fields.note), said);
  const dialog = openDialog(`Edit ${search.name}`, [form], [back, save]);
  back.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const json = {
        name: fields.name.value,
        project: fields.project.value,
        tags: fields.tags.value,
        note: fields.note.value || null,
        ...(fields.base.value === "" ? {} : { base_error: Number(fields.base.value) }),
        base_error_source: fields.source.value || null,
        parallel: Number(fields.parallel.value),
        budget: { ...search.budget, trials: fields.trials.value ? Number(fields.trials.value) : null },
        ...(fields.space.value === space ? {} : { space: await readSpace(fields.space.value) }),
      };
      replaced(await call(`/searches/${id}`, { method: "PATCH", json, headers: etag ? { "If-Match": etag } : {} }));
      toast("Saved.");
      dialog.close();
    } catch (error) {
      const stale = error instanceof ApiError && error.status === 412;
      fill(said, stale ? h("p", { class: "warning-note" }, "Somebody else changed this search in the meantime. Close this dialog and check before you save.") : problem(error));
    }
  });
}

/**
 * The server reads the text, with or without the line "space:" above the parameters.
 * @param {string} text
 */
async function readSpace(text) {
  const { spec } = await call("/searches/parse", { method: "POST", body: text, headers: { "Content-Type": "application/yaml" } });
  return spec.space ?? spec;
}

/**
 * @param {string} name
 * @param {HTMLElement} field
 */
function row(name, field) {
  return h("div", { class: "field" }, h("label", { for: field.id }, name), field);
}
