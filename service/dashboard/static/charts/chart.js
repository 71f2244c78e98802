/**
 * A chart on a canvas: two axes, layers of marks, a tooltip that describes them, a click that opens, a dragged box that zooms.
 * Drawn by hand rather than by plotly.js because that library alone takes longer to load than a whole search may take to
 * open (docs/decisions/dashboard-charts.md).
 */

import { h, setStyle } from "../core/dom.js";
import { themes } from "../core/theme.js";
import { drawAxes, layout } from "./axes.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("./scales.js").Scale} Scale */
/** @typedef {{scale: Scale, title?: string, hidden?: boolean}} Axis */
/**
 * What layers draw on: the plot's box in pixels and the two mappings into it.
 * @typedef {object} Frame
 * @property {CanvasRenderingContext2D} ctx
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {(value: any) => number} x pixels
 * @property {(value: any) => number} y pixels
 * @property {Axis} xAxis
 * @property {Axis} yAxis
 */
/** @typedef {{distance: number, x: number, y: number, rows: [string, string][], title?: string, open?: string | undefined, hint?: string, index: number}} Hit */
/**
 * @typedef {object} Layer
 * @property {(frame: Frame) => void} draw
 * @property {(frame: Frame, px: number, py: number) => Hit | null} [pick]
 * @property {(frame: Frame, step: number, from: number) => Hit | null} [walk] the next mark, for the arrow keys
 */
/** @typedef {{x: Axis, y: Axis, layers: Layer[], summary: string}} Spec */

const NEAR = 24;

export class Chart {
  /**
   * @param {{height?: number, open?: (address: string) => void}} [options]
   */
  constructor({ height = 280, open } = {}) {
    this.canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": "A picture without data yet" });
    this.tooltip = new Tooltip();
    this.box = h("div", { class: "zoombox", hidden: true });
    this.node = h("div", { class: "chart" }, this.canvas, this.box, this.tooltip.node);
    setStyle(this.node, { height: `${height}px` });
    this.open = open ?? (() => undefined);
    /** Called when a part is shown, and when all is shown again. */
    this.turned = () => undefined;
    /** @type {Spec | null} */
    this.spec = null;
    /** @type {{x: Scale, y: Scale} | null} */
    this.zoomed = null;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {Hit | null} */
    this.hit = null;
    this.pending = false;
    /** @type {{x: number, y: number} | null} */
    this.drag = null;
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.request()).observe(this.node);
    const redraw = () => (this.node.isConnected ? this.request() : themes.removeEventListener("change", redraw));
    themes.addEventListener("change", redraw);
    this.canvas.addEventListener("pointermove", (event) => this.pointerMoved(event));
    this.canvas.addEventListener("pointerleave", () => !this.drag && this.show(null));
    this.canvas.addEventListener("pointerdown", (event) => this.pointerPressed(event));
    this.canvas.addEventListener("pointerup", (event) => this.pointerReleased(event));
    this.canvas.addEventListener("dblclick", () => this.zoom(null));
    this.canvas.addEventListener("keydown", (event) => this.keyPressed(event));
    this.canvas.addEventListener("blur", () => this.show(null));
  }

  /**
   * Draw this from now on; a zoom the person made stays.
   * @param {Spec} spec
   */
  set(spec) {
    this.spec = spec;
    this.canvas.setAttribute("aria-label", spec.summary);
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
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!this.spec || !width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const ctx = this.canvas.getContext("2d");
    if (!ctx) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paint(ctx, width, height);
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} width
   * @param {number} height
   */
  paint(ctx, width, height) {
    const spec = /** @type {Spec} */ (this.spec);
    ctx.clearRect(0, 0, width, height);
    const x = { ...spec.x, scale: this.zoomed?.x ?? spec.x.scale };
    const y = { ...spec.y, scale: this.zoomed?.y ?? spec.y.scale };
    const frame = layout(ctx, width, height, x, y);
    drawAxes(frame);
    ctx.save();
    ctx.beginPath();
    ctx.rect(frame.left - 4, frame.top - 4, frame.width + 8, frame.height + 8);
    ctx.clip();
    for (const layer of spec.layers) layer.draw(frame);
    ctx.restore();
    this.frame = frame;
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
  }

  /** @param {PointerEvent} event */
  pointerMoved(event) {
    if (this.drag) {
      this.stretch(event.offsetX, event.offsetY);
      return;
    }
    this.show(this.nearest(event.offsetX, event.offsetY));
  }

  /**
   * @param {number} px
   * @param {number} py
   * @returns {Hit | null}
   */
  nearest(px, py) {
    if (!this.spec || !this.frame) return null;
    /** @type {Hit | null} */
    let best = null;
    for (const layer of this.spec.layers) {
      const hit = layer.pick?.(this.frame, px, py);
      if (hit && hit.distance < (best?.distance ?? NEAR)) best = hit;
    }
    return best;
  }

  /** @param {Hit | null} hit */
  show(hit) {
    this.hit = hit;
    this.tooltip.show(hit, this.node.clientWidth, this.node.clientHeight);
    this.canvas.classList.toggle("opens", Boolean(hit?.open));
  }

  /** @param {PointerEvent} event */
  pointerPressed(event) {
    if (event.button !== 0 || event.pointerType === "touch") return;
    this.drag = { x: event.offsetX, y: event.offsetY };
    this.canvas.setPointerCapture(event.pointerId);
  }

  /**
   * @param {number} px
   * @param {number} py
   */
  stretch(px, py) {
    if (!this.drag) return;
    const { x, y } = this.drag;
    const far = Math.abs(px - x) > 5 || Math.abs(py - y) > 5;
    this.box.hidden = !far;
    if (far) this.tooltip.show(null, 0, 0);
    setStyle(this.box, { left: `${Math.min(x, px)}px`, top: `${Math.min(y, py)}px`, width: `${Math.abs(px - x)}px`, height: `${Math.abs(py - y)}px` });
  }

  /** @param {PointerEvent} event */
  pointerReleased(event) {
    const from = this.drag;
    this.drag = null;
    if (!this.box.hidden && from && this.frame) {
      this.box.hidden = true;
      this.zoomTo(from.x, from.y, event.offsetX, event.offsetY);
      return;
    }
    if (event.pointerType === "touch") this.show(this.nearest(event.offsetX, event.offsetY));
    else if (this.hit?.open) this.open(this.hit.open);
  }

  /**
   * @param {number} x0
   * @param {number} y0
   * @param {number} x1
   * @param {number} y1
   */
  zoomTo(x0, y0, x1, y1) {
    const frame = /** @type {Frame} */ (this.frame);
    const unitX = (/** @type {number} */ px) => Math.min(1, Math.max(0, (px - frame.left) / frame.width));
    const unitY = (/** @type {number} */ py) => Math.min(1, Math.max(0, 1 - (py - frame.top) / frame.height));
    const tall = Math.abs(y1 - y0) > 12;
    const wide = Math.abs(x1 - x0) > 12;
    const x = wide ? frame.xAxis.scale.zoom(unitX(Math.min(x0, x1)), unitX(Math.max(x0, x1))) : frame.xAxis.scale;
    const y = tall ? frame.yAxis.scale.zoom(unitY(Math.max(y0, y1)), unitY(Math.min(y0, y1))) : frame.yAxis.scale;
    this.zoom({ x, y });
  }

  /** @param {{x: Scale, y: Scale} | null} scales null shows everything again */
  zoom(scales) {
    this.zoomed = scales;
    this.show(null);
    this.node.classList.toggle("zoomed", scales !== null);
    this.request();
    this.turned();
  }

  /** @param {KeyboardEvent} event */
  keyPressed(event) {
    const { key } = event;
    if (key === "Escape") this.zoom(null);
    else if (key === "Enter" && this.hit?.open) this.open(this.hit.open);
    else if (key === "ArrowRight" || key === "ArrowLeft") this.walk(key === "ArrowRight" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  /** @param {number} step */
  walk(step) {
    const { frame, spec } = this;
    const layer = spec?.layers.findLast((candidate) => candidate.walk);
    if (!frame || !layer?.walk) return;
    this.show(layer.walk(frame, step, this.hit?.index ?? (step > 0 ? -1 : 0)));
  }

  /**
   * The picture as a PNG of twice the size, on the page's background.
   * @param {string} background
   * @returns {Promise<Blob>}
   */
  png(background) {
    const { clientWidth: width, clientHeight: height } = this.node;
    const copy = h("canvas", { width: width * 2, height: height * 2 });
    const ctx = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
    ctx.drawImage(this.canvas, 0, 0, width * 2, height * 2);
    ctx.setTransform(2, 0, 0, 2, 0, 0);
    this.paint(ctx, width, height);
    ctx.globalCompositeOperation = "destination-over";
    ctx.fillStyle = background;
    ctx.fillRect(0, 0, width, height);
    this.request();
    return new Promise((resolve, reject) => copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png"));
  }
}
