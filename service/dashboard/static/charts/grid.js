/** Several small charts side by side that act as one picture. */

import { h, setStyle } from "../core/dom.js";
import { Chart } from "./chart.js";

export class ChartGrid {
  /** @param {{height: number, open: (address: string) => void}} options */
  constructor({ height, open }) {
    this.height = height;
    this.open = open;
    /** @type {Map<string, Chart>} */
    this.charts = new Map();
    this.node = h("div", { class: "chartgrid" });
  }

  /**
   * @param {string} name
   * @param {import("./chart.js").Spec} spec
   */
  set(name, spec) {
    let chart = this.charts.get(name);
    if (!chart) {
      chart = new Chart({ height: this.height, open: this.open });
      this.charts.set(name, chart);
      this.node.append(chart.node);
    }
    chart.set(spec);
  }

  /**
   * @param {string} background
   * @returns {Promise<Blob>}
   */
  png(background) {
    const { clientWidth: width, clientHeight: height } = this.node;
    const copy = h("canvas", { width: width * 2, height: height * 2 });
    const ctx = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
    ctx.fillStyle = background;
    ctx.fillRect(0, 0, copy.width, copy.height);
    for (const { node, canvas } of this.charts.values()) {
      ctx.drawImage(canvas, node.offsetLeft * 2, node.offsetTop * 2, node.clientWidth * 2, node.clientHeight * 2);
    }
    return new Promise((resolve, reject) => copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png"));
  }

  /** @param {number} width of the narrowest chart */
  columns(width) {
    setStyle(this.node, { "grid-template-columns": `repeat(auto-fill, minmax(${width}px, 1fr))` });
  }
}
