/** All pictures of a search. Each is loaded when it comes near the screen, and drawn again as trials end. */

import { isAbort } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { empty } from "../components/parts.js";
import { whenSeen } from "../components/figure.js";
import { GROUPS } from "../pictures/registry.js";
import { loadSample } from "../pictures/sample.js";

/** @param {SearchView} view */
export async function view(view) {
  const { outlet, search, signal } = view;
  if (!search().finished && !Object.values(search().counts).some((amount) => amount > 0)) {
    fill(outlet, empty("Nothing to draw yet", h("p", null, "Pictures appear as soon as the first trial has ended.")));
    return;
  }
  const groups = await Promise.all(GROUPS.filter((group) => group.of?.(search().spec) ?? true).map(async ({ id, title, pictures }) => ({ id, title, modules: await Promise.all(pictures.map((load) => load())) })));
  if (signal.aborted) return;
  const made = groups.map(({ id, title, modules }) => ({ id, title, pictures: modules.map(({ picture }) => picture(view)) }));
  const pictures = made.flatMap((group) => group.pictures);
  fill(outlet, anchors(made), made.map(section));
  for (const picture of pictures) if (picture.update) follow(view, picture, picture.update);
  drawFromSample(view, pictures);
}

const CLOSED = "caviar.pictures.closed";

/** @typedef {{id: string, title: string, pictures: Picture[]}} Group */

/** @param {Group[]} groups */
function anchors(groups) {
  return h("nav", { class: "filters", "aria-label": "Groups of pictures" }, groups.map(({ id, title }) => h("button", { type: "button", class: "small", onclick: () => open(id) }, title)));
}

/** @param {string} id */
function open(id) {
  const group = document.getElementById(`pictures-${id}`);
  group?.setAttribute("open", "");
  group?.scrollIntoView({ behavior: "smooth" });
}

function closedGroups() {
  return new Set((localStorage.getItem(CLOSED) ?? "").split(",").filter(Boolean));
}

/**
 * A group of pictures, which stays closed where a person has closed it.
 * @param {Group} group
 */
function section({ id, title, pictures }) {
  const node = h("details", { class: "picturegroup", id: `pictures-${id}`, open: !closedGroups().has(id) }, h("summary", null, h("h2", null, title)), h("div", { class: "figures" }, pictures.map((picture) => picture.node)));
  node.addEventListener("toggle", () => {
    const now = closedGroups();
    if (node.open) now.delete(id);
    else now.add(id);
    localStorage.setItem(CLOSED, [...now].join(","));
  });
  return node;
}

/**
 * Keep a picture up to date that reads its own data.
 * @param {SearchView} view
 * @param {Picture} picture
 * @param {() => Promise<void>} update
 */
function follow(view, picture, update) {
  const again = async () => {
    try {
      await update();
    } catch (error) {
      if (!isAbort(error)) picture.fail(error);
    }
  };
  whenSeen(picture.node, () => view.live(again, 1200), view.signal);
}

/**
 * Keep the pictures up to date that share one sample of the trials.
 * @param {SearchView} view
 * @param {Picture[]} pictures
 */
function drawFromSample({ search, signal, live }, pictures) {
  const drawn = pictures.filter((picture) => picture.draw);
  /** @type {import("../pictures/sample.js").Sample | null} */
  let sample = null;
  /** @type {Set<Picture>} */
  const seen = new Set();
  for (const picture of drawn) {
    whenSeen(
      picture.node,
      () => {
        seen.add(picture);
        if (sample) void picture.draw?.(sample);
      },
      signal,
    );
  }
  live(async () => {
    try {
      sample = await loadSample(search(), signal);
      for (const picture of seen) void picture.draw?.(sample);
    } catch (error) {
      if (!isAbort(error)) for (const picture of drawn) picture.fail(error);
    }
  }, 900);
}
