/** What a person can do to a search: pause, resume, cancel, edit, run failed trials again, re-test, export, share, archive, delete or copy it. */

import { call } from "../core/api.js";
import { loadCatalog, optionsOf } from "../core/catalog.js";
import { fill, h } from "../core/dom.js";
import { isOver, isStudy } from "../core/search-math.js";
import { ask } from "../components/dialog.js";
import { attempt, toast } from "../components/parts.js";
import { editSearch } from "./search-edit.js";
import { shareSearch } from "./search-links.js";
import { mayRetest, retestSearch } from "./search-retests.js";

/**
 * @param {Search} search
 * @param {{replaced: (search: Search) => void, removed: () => void, refresh: () => Promise<void>}} hooks
 * @returns {HTMLElement[]}
 */
export function searchActions(search, hooks) {
  const path = `/searches/${search.id}`;
  /** @param {string} verb @param {string} done */
  const act = async (verb, done) => {
    const changed = await attempt(() => call(`${path}/${verb}`, { method: "POST" }), done);
    if (changed) hooks.replaced(changed);
  };
  const buttons = [];
  if (search.state === "paused") buttons.push(button("Resume", () => act("resume", "Resumed."), "primary"));
  else if (!isOver(search)) buttons.push(button("Pause", () => act("pause", "Paused. Running trials stop and keep their progress.")));
  if (mayRunFailed(search)) buttons.push(button("Rerun failed trials", () => runFailed(search, hooks.refresh)));
  buttons.push(button("Edit", () => editSearch(search.id, hooks.replaced)));
  buttons.push(h("a", { class: "button", href: `/new?from=${search.id}` }, "Copy to new search"));
  if (isOver(search) && mayRetest(search)) buttons.push(button("Re-test", () => retestSearch(search)));
  buttons.push(exportMenu(path), button("Share", () => shareSearch(search)));
  if (search.archived) buttons.push(button("Unarchive", () => act("unarchive", "It is in the list again.")));
  else if (isOver(search) || search.state === "paused") buttons.push(button("Archive", () => act("archive", "Archived: the list leaves it out, nothing of it is lost.")));
  if (!isOver(search)) {
    const cancel = async () => {
      if (await ask("Cancel this search?", "Running trials are stopped. Finished trials are kept.", "Cancel the search")) await act("cancel", "Cancelled.");
    };
    buttons.push(button("Cancel", cancel, "danger"));
  } else {
    const remove = async () => {
      if (!(await ask(`Delete ${search.name}?`, "Its trials, curves, checkpoints and models are deleted permanently.", "Delete permanently"))) return;
      const gone = await attempt(async () => {
        await call(path, { method: "DELETE" });
        return true;
      }, "Deleted.");
      if (gone) hooks.removed();
    };
    buttons.push(button("Delete", remove, "danger"));
  }
  return buttons;
}

/** @param {string} path */
function exportMenu(path) {
  const box = h("div", { class: "menubox single" });
  const menu = h("details", { class: "menu" }, h("summary", { class: "button" }, "Export"), box);
  menu.addEventListener("toggle", async () => {
    const { formats } = await loadCatalog();
    const close = () => menu.removeAttribute("open");
    fill(
      box,
      h("a", { href: `/api/v1${path}/report`, target: "_blank", rel: "noopener", onclick: close }, "Report (a page)"),
      h("a", { href: `/api/v1${path}/report?format=md`, download: `search-${path.split("/")[2]}.md`, onclick: close }, "Model card (Markdown)"),
      optionsOf(formats).map(([format, title]) => h("a", { href: `/api/v1${path}/export?format=${format}`, download: "", onclick: close }, title)),
    );
  }, { once: true });
  menu.addEventListener("keydown", (event) => event.key === "Escape" && menu.removeAttribute("open"));
  menu.addEventListener("focusout", (event) => menu.contains(/** @type {Node | null} */ (event.relatedTarget)) || menu.removeAttribute("open"));
  return menu;
}

/**
 * Whether failed trials can be run again; those of a cancelled search stay as they are.
 * @param {Search} search
 */
export function mayRunFailed(search) {
  return Boolean(search.counts.failed) && search.state !== "cancelled" && !isStudy(search);
}

/**
 * Run again what failed, but for what has been run again already.
 * @param {Search} search
 * @param {() => Promise<void>} refresh
 */
export async function runFailed(search, refresh) {
  const made = await attempt(() => call(`/searches/${search.id}/rerun?state=failed`, { method: "POST" }));
  if (!made) return;
  toast(made.items.length ? `${made.items.length} queued again as new trials.` : "All failed trials have already been rerun.");
  await refresh();
}

/**
 * @param {string} title
 * @param {() => unknown} pressed
 * @param {string} [kind]
 */
function button(title, pressed, kind = "") {
  return h("button", { type: "button", class: kind, onclick: pressed }, title);
}
