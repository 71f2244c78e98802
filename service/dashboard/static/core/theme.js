/** Light and dark: the system's choice unless the person made one; colours for canvases, read from the stylesheet. */

const KEY = "caviar-theme";

/** Tells "change" when colours on canvases must be drawn again. */
export const themes = new EventTarget();

/** @type {Map<string, string>} */
const colours = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

function changedTheme() {
  colours.clear();
  themes.dispatchEvent(new Event("change"));
}

/** Apply what the person chose last time. */
export function restoreTheme() {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  dark.addEventListener("change", changedTheme);
}

/** Switch to the other one; when that is the system's own, follow the system again. */
export function toggleTheme() {
  const wanted = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = wanted;
  if (wanted === (dark.matches ? "dark" : "light")) {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, wanted);
  }
  changedTheme();
}

/**
 * A colour of the stylesheet, resolved for the present theme: colour("--accent").
 * @param {string} name
 * @returns {string}
 */
export function colour(name) {
  const known = colours.get(name);
  if (known) return known;
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.setProperty("color", `var(${name})`);
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  colours.set(name, value);
  return value;
}

const SERIES = ["--data-1", "--data-2", "--data-3", "--data-4", "--data-5", "--data-6"];

/**
 * The colour of one of several things that are compared.
 * @param {number} index
 */
export function seriesColour(index) {
  return colour(SERIES[index % SERIES.length] ?? "--data-1");
}

/**
 * The same colour, more transparent.
 * @param {string} rgb as colour() gives it
 * @param {number} alpha
 */
export function faded(rgb, alpha) {
  const parts = rgb.match(/[\d.]+/g) ?? ["0", "0", "0"];
  return `rgba(${parts[0]}, ${parts[1]}, ${parts[2]}, ${alpha})`;
}
