/** The bar on top of every page: where we are, where we can go, hints and theme. */

import { fill, h, icon } from "../core/dom.js";
import { navigation } from "../core/router.js";
import { theme, themes, toggleTheme } from "../core/theme.js";

const HINTS = "caviar-hints";
const SUN = "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1";
const MOON = "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z";
const HELP = "M6 6a2 2 0 1 1 2.8 1.8c-.5.3-.8.6-.8 1.2v.5M8 12v.2M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14z";

/**
 * @param {HTMLElement} bar
 * @param {Route[]} pages those with a title have a link
 */
export function drawTopbar(bar, pages) {
  const links = pages.filter(({ title }) => title).map(({ path, title }) => h("a", { href: path }, title));
  const create = h("a", { href: "/new", class: "button primary signedin" }, h("span", null, "New", h("span", { class: "roomy" }, " search")));
  const logo = document.querySelector('link[rel="icon"]')?.getAttribute("href") ?? "";
  fill(
    bar,
    h("a", { href: "/", class: "brand", "aria-label": "Caviar, all searches" }, h("img", { src: logo, alt: "", width: 24, height: 24 }), h("span", null, "Caviar")),
    h("nav", { "aria-label": "Pages", class: "signedin" }, links),
    h("span", { class: "spacer" }),
    hintsButton(),
    themeButton(),
    create,
  );
  navigation.addEventListener("page", (event) => {
    const here = /** @type {CustomEvent} */ (event).detail;
    for (const link of [...links, create]) current(link, link.getAttribute("href") === here);
  });
}

/**
 * @param {HTMLElement} link
 * @param {boolean} here
 */
function current(link, here) {
  if (here) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

function themeButton() {
  const button = h("button", { class: "quiet square", type: "button", onclick: toggleTheme });
  const draw = () => {
    const dark = theme() === "dark";
    button.title = dark ? "Light colours" : "Dark colours";
    button.setAttribute("aria-label", button.title);
    fill(button, icon(dark ? SUN : MOON));
  };
  themes.addEventListener("change", draw);
  draw();
  return button;
}

function hintsButton() {
  const button = h("button", { class: "quiet square", type: "button", title: "Show or hide explanations" }, icon(HELP));
  button.setAttribute("aria-label", "Explanations");
  const draw = () => {
    const shown = localStorage.getItem(HINTS) !== "hidden";
    document.documentElement.dataset.hints = shown ? "shown" : "hidden";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(HINTS, localStorage.getItem(HINTS) === "hidden" ? "shown" : "hidden");
    draw();
  });
  draw();
  return button;
}
