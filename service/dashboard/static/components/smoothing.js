/** A slider for how much a curve is smoothed; its place is remembered in this browser. */

import { h, setText } from "../core/dom.js";
import { betaAt } from "../core/averages.js";

const MOST = 3; // beta .999: about 1000 values
const STEP = 0.1;

export class Smoothing {
  /**
   * @param {{picture: string, unit: string, fallback: number, changed: () => void}} options
   *   unit: what is averaged, in the plural; fallback: the place of the slider that nobody has moved
   */
  constructor({ picture, unit, fallback, changed }) {
    this.unit = unit;
    this.place = remembered(picture, fallback);
    this.slider = h("input", { type: "range", min: "0", max: String(MOST), step: String(STEP), "aria-label": "Smoothing" });
    this.slider.value = String(this.place);
    this.shown = h("output", { class: "muted" });
    this.node = h("label", { class: "smallfield", title: "Exponentially weighted average with bias correction; the values themselves stay visible, faint" }, "Smoothing ", this.slider, this.shown);
    this.slider.addEventListener("input", () => {
      this.place = Number(this.slider.value);
      localStorage.setItem(key(picture), String(this.place));
      this.say();
      changed();
    });
    this.say();
  }

  get beta() {
    return betaAt(this.place);
  }

  say() {
    const words = this.place ? `β ${Number(this.beta.toPrecision(this.place < 1 ? 2 : 3))}, about ${Math.round(10 ** this.place)} ${this.unit}` : "off";
    setText(this.shown, words);
    this.slider.setAttribute("aria-valuetext", words);
  }
}

/** @param {string} picture */
const key = (picture) => `caviar-smoothing-${picture}`;

/**
 * @param {string} picture
 * @param {number} fallback
 */
function remembered(picture, fallback) {
  const kept = localStorage.getItem(key(picture));
  const place = kept === null ? fallback : Number(kept);
  return place >= 0 && place <= MOST ? place : fallback;
}
