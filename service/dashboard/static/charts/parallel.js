/** Parallel coordinates on a canvas: one axis for each parameter in its own scale, a line for each trial, brushes on the axes. */

import { h } from "../core/dom.js";
import { colour, faded, themes } from "../core/theme.js";
import { BOTTOM, paintAxis, TOP, yOf } from "./parallel-axis.js";
import { rampColour } from "./ramp.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {{name: string, title: string, scale: import("./scales.js").Scale, values: ArrayLike<any>}} ParallelAxis */
/** @typedef {{axes: ParallelAxis[], ranks: Float32Array, aside: {has: (trial: number) => boolean}, summary: string, describe: (index: number) => import("./layers.js").Description}} ParallelSpec */

const SIDE = 46;
const NEAR = 18;

export class ParallelChart {
  /** @param {{height: number, brushed: (brushes: Map<string, [number, number]>) => void, open: (address: string) => void}} options */
  constructor({ height, brushed, open }) {
    this.canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": "A picture without data yet" });
    this.tooltip = new Tooltip();
    this.inner = h("div", { class: "chart" }, this.canvas, this.tooltip.node);
    this.inner.style.setProperty("height", `${height}px`);
    this.node = h("div", { class: "scrolling" }, this.inner);
    this.brushed = brushed;
    this.open = open;
    /** @type {Map<string, [number, number]>} unit coordinates of each axis */
    this.brushes = new Map();
    /** @type {ParallelSpec | null} */
    this.spec = null;
    /** @type {Float32Array[]} */
    this.units = [];
    /** @type {{axis: ParallelAxis, from: number} | null} */
    this.drag = null;
    this.hot = -1;
    this.axisAt = 0;
    this.pending = false;
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.request()).observe(this.inner);
    const redraw = () => (this.node.isConnected ? this.request() : themes.removeEventListener("change", redraw));
    themes.addEventListener("change", redraw);
    this.canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    this.canvas.addEventListener("pointermove", (event) => this.moved(event));
    this.canvas.addEventListener("pointerup", (event) => this.released(event));
    this.canvas.addEventListener("pointerleave", () => this.hover(-1, 0, 0));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {ParallelSpec} spec */
  set(spec) {
    this.spec = spec;
    this.inner.style.setProperty("min-width", `${spec.axes.length * 84 + 2 * SIDE}px`);
    this.canvas.setAttribute("aria-label", `${spec.summary}. Arrow keys left and right choose an axis, up and down move a brush on it, Escape clears.`);
    this.units = spec.axes.map(({ scale, values }) => Float32Array.from({ length: values.length }, (_, index) => scale.toUnit(values[index])));
    this.request();
  }

  request() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.draw();
    });
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.inner;
    const ctx = this.canvas.getContext("2d");
    if (!this.spec || !width || !ctx) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paint(ctx, width, height);
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
  }

  /** @param {number} index @param {number} width */
  xOf(index, width) {
    const last = (this.spec?.axes.length ?? 1) - 1;
    return SIDE + (last ? index / last : 0.5) * (width - 2 * SIDE);
  }

  /** Which trials lie inside every brush. */
  inside() {
    const axes = this.spec?.axes ?? [];
    const checks = axes.flatMap(({ name }, index) => {
      const brush = this.brushes.get(name);
      return brush ? [{ units: this.units[index] ?? new Float32Array(), low: brush[0], high: brush[1] }] : [];
    });
    const length = this.units[0]?.length ?? 0;
    return Uint8Array.from({ length }, (_, i) => (checks.every(({ units, low, high }) => Number(units[i]) >= low && Number(units[i]) <= high) ? 1 : 0));
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} width
   * @param {number} height
   */
  paint(ctx, width, height) {
    const spec = /** @type {ParallelSpec} */ (this.spec);
    ctx.clearRect(0, 0, width, height);
    const inside = this.inside();
    /** @param {number} trial which lines lie on top: those inside the brushes, and of these the ones that count */
    const layer = (trial) => 2 * Number(inside[trial]) + Number(!spec.aside.has(trial));
    const order = Array.from(inside.keys()).sort((a, b) => layer(a) - layer(b) || Number(spec.ranks[a]) - Number(spec.ranks[b]));
    const crowd = Math.max(0.05, Math.min(0.8, 400 / (order.length + 1)));
    const leading = 1 - Math.min(0.03, 25 / order.length);
    const any = this.brushes.size > 0;
    ctx.lineJoin = "bevel";
    let previous = "";
    for (const i of order) {
      const rank = Number(spec.ranks[i]);
      const alpha = rank > leading ? 0.9 : any ? Math.min(0.7, crowd * 6) : crowd;
      const counted = spec.aside.has(i) ? faded(colour("--aside"), alpha) : rampColour(Math.round(rank * 12) / 12, alpha);
      const style = inside[i] ? counted : colour("--grid");
      if (style !== previous) ctx.strokeStyle = previous = style;
      ctx.lineWidth = inside[i] && rank > leading ? 1.6 : 1;
      this.trace(ctx, i, width, height);
    }
    const best = order.at(-1) ?? -1;
    if (this.hot >= 0 || (inside[best] && spec.ranks[best])) {
      ctx.strokeStyle = colour("--best");
      ctx.lineWidth = 2;
      this.trace(ctx, this.hot >= 0 ? this.hot : best, width, height);
    }
    spec.axes.forEach((axis, index) => paintAxis({ ctx, axis, x: this.xOf(index, width), height, brush: this.brushes.get(axis.name) }));
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} trial
   * @param {number} width
   * @param {number} height
   */
  trace(ctx, trial, width, height) {
    ctx.beginPath();
    let open = false;
    for (let index = 0; index < this.units.length; index += 1) {
      const unit = Number(this.units[index]?.[trial]);
      if (Number.isNaN(unit)) {
        open = false;
        continue;
      }
      if (open) ctx.lineTo(this.xOf(index, width), yOf(unit, height));
      else ctx.moveTo(this.xOf(index, width), yOf(unit, height));
      open = true;
    }
    ctx.stroke();
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    const axis = this.axisNear(event.offsetX);
    if (!axis || event.button !== 0) return;
    this.drag = { axis, from: this.unitAt(event.offsetY) };
    this.canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const axis = this.axisNear(event.offsetX);
    this.canvas.classList.toggle("brushes", Boolean(axis));
    if (this.drag) {
      const to = this.unitAt(event.offsetY);
      if (Math.abs(to - this.drag.from) > 0.01) this.brushes.set(this.drag.axis.name, [Math.min(to, this.drag.from), Math.max(to, this.drag.from)]);
      this.hover(-1, 0, 0);
      this.request();
      return;
    }
    this.hover(axis ? -1 : this.nearest(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
  }

  /** @param {PointerEvent} event */
  released(event) {
    if (!this.drag) {
      const address = this.hot >= 0 ? this.spec?.describe(this.hot).open : undefined;
      if (address) this.open(address);
      return;
    }
    const { axis, from } = this.drag;
    this.drag = null;
    if (Math.abs(this.unitAt(event.offsetY) - from) <= 0.01) this.brushes.delete(axis.name);
    this.brushed(this.brushes);
    this.request();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const axes = this.spec?.axes ?? [];
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.axisAt = (this.axisAt + (event.key === "ArrowRight" ? 1 : -1) + axes.length) % axes.length;
    else if (event.key === "Escape") this.brushes.clear();
    else if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const name = axes[this.axisAt]?.name ?? "";
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const low = (this.brushes.get(name)?.[0] ?? (event.key === "ArrowUp" ? -0.125 : 0.875)) + (event.key === "ArrowUp" ? 0.125 : -0.125);
      const start = Math.max(0, Math.min(0.75, low));
      this.brushes.set(name, [start, start + 0.25]);
    }
    this.brushed(this.brushes);
    this.request();
  }

  /** @param {number} px */
  axisNear(px) {
    const index = (this.spec?.axes ?? []).findIndex((_, each) => Math.abs(this.xOf(each, this.inner.clientWidth) - px) < NEAR);
    return index < 0 ? null : (this.spec?.axes[index] ?? null);
  }

  /** @param {number} py */
  unitAt(py) {
    const height = this.inner.clientHeight;
    return Math.max(0, Math.min(1, 1 - (py - TOP) / (height - TOP - BOTTOM)));
  }

  /**
   * The trial whose line passes nearest the pointer.
   * @param {number} px
   * @param {number} py
   */
  nearest(px, py) {
    const { clientWidth: width, clientHeight: height } = this.inner;
    const step = (width - 2 * SIDE) / Math.max(1, this.units.length - 1);
    const index = Math.floor((px - SIDE) / step);
    const [left, right] = [this.units[index], this.units[index + 1]];
    if (!left || !right || py < TOP - 6) return -1;
    const share = (px - SIDE - index * step) / step;
    const inside = this.inside();
    let best = -1;
    let distance = 8;
    for (let i = 0; i < left.length; i += 1) {
      const away = Math.abs(yOf(Number(left[i]) * (1 - share) + Number(right[i]) * share, height) - py);
      if (away < distance && inside[i]) {
        distance = away;
        best = i;
      }
    }
    return best;
  }

  /**
   * @param {number} trial
   * @param {number} x
   * @param {number} y
   */
  hover(trial, x, y) {
    if (trial === this.hot && trial < 0) return;
    this.hot = trial;
    const description = trial >= 0 ? this.spec?.describe(trial) : undefined;
    this.tooltip.show(description ? { ...description, x, y, distance: 0, index: trial } : null, this.inner.clientWidth, this.inner.clientHeight);
    this.canvas.classList.toggle("opens", trial >= 0);
    this.request();
  }

  /**
   * @param {string} background
   * @returns {Promise<Blob>}
   */
  png(background) {
    const { clientWidth: width, clientHeight: height } = this.inner;
    const copy = h("canvas", { width: width * 2, height: height * 2 });
    const ctx = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
    ctx.setTransform(2, 0, 0, 2, 0, 0);
    this.paint(ctx, width, height);
    ctx.globalCompositeOperation = "destination-over";
    ctx.fillStyle = background;
    ctx.fillRect(0, 0, width, height);
    return new Promise((resolve, reject) => copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png"));
  }
}
