/** The small box beside a mark that says what it is. */

import { fill, h, setStyle } from "../core/dom.js";

/** @typedef {import("./chart.js").Hit} Hit */

export class Tooltip {
  constructor() {
    this.node = h("div", { class: "tip", hidden: true, role: "status" });
    this.mark = h("div", { class: "tipmark", hidden: true });
  }

  /**
   * @param {Hit | null} hit
   * @param {number} width of the chart, to keep inside
   * @param {number} height
   */
  show(hit, width, height) {
    this.node.hidden = !hit;
    if (!hit) return;
    fill(
      this.node,
      hit.title ? h("strong", null, hit.title) : null,
      h("dl", null, hit.rows.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
      hit.open ? h("span", { class: "tiphint" }, hit.hint ?? "click opens") : null,
    );
    const { offsetWidth, offsetHeight } = this.node;
    const right = hit.x + 14 + offsetWidth < width;
    const left = right ? hit.x + 14 : Math.max(0, hit.x - 14 - offsetWidth);
    const top = Math.max(0, Math.min(hit.y - offsetHeight / 2, height - offsetHeight));
    setStyle(this.node, { transform: `translate(${Math.round(left)}px, ${Math.round(top)}px)` });
  }
}
