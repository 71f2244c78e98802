/** Layers of a chart: points, lines, rectangles, reference lines. Each knows how to draw itself and what lies near the pointer. */

import { colour as themed } from "../core/theme.js";
import { FONT, line as stroke } from "./axes.js";

/** @typedef {import("./chart.js").Layer} Layer */
/** @typedef {import("./chart.js").Frame} Frame */
/** @typedef {{rows: [string, string][], title?: string, open?: string | undefined, hint?: string}} Description */
/** @typedef {ArrayLike<any>} Values */

/**
 * Points: drawn as squares when there are so many that nobody could tell, as discs else.
 * @param {{x: Values, y: Values, colour: string | ((index: number) => string), size?: number, ring?: boolean, describe?: (index: number) => Description}} options
 * @returns {Layer}
 */
export function points({ x, y, colour, size = 3, ring = false, describe }) {
  const length = x.length;
  const many = length > 3000;
  const radius = many ? Math.min(size, 1.25) : size;
  /** @param {Frame} frame */
  function draw(frame) {
    const { ctx } = frame;
    ctx.lineWidth = 1.5;
    let last = "";
    for (let i = 0; i < length; i += 1) {
      const px = frame.x(x[i]);
      const py = frame.y(y[i]);
      if (!(px >= frame.left - 4 && px <= frame.left + frame.width + 4 && py >= frame.top - 4 && py <= frame.top + frame.height + 4)) continue;
      const style = typeof colour === "string" ? colour : colour(i);
      if (style !== last) ctx.fillStyle = ctx.strokeStyle = last = style;
      if (many) {
        ctx.fillRect(px - radius, py - radius, 2 * radius, 2 * radius);
        continue;
      }
      ctx.beginPath();
      ctx.arc(px, py, radius, 0, 2 * Math.PI);
      if (ring) ctx.stroke();
      else ctx.fill();
    }
  }
  /**
   * @param {Frame} frame
   * @param {number} i
   * @param {number} distance
   */
  const hit = (frame, i, distance) => ({ distance, x: frame.x(x[i]), y: frame.y(y[i]), index: i, ...(describe ? describe(i) : { rows: [] }) });
  return {
    draw,
    ...(describe && {
      pick(frame, px, py) {
        const found = closest(length, (i) => Math.hypot(frame.x(x[i]) - px, frame.y(y[i]) - py));
        return found ? hit(frame, found.index, found.distance) : null;
      },
      walk(frame, step, from) {
        const next = (from + step + length) % length;
        return length ? hit(frame, next, 0) : null;
      },
    }),
  };
}

/**
 * @param {number} length
 * @param {(index: number) => number} distanceOf
 */
export function closest(length, distanceOf) {
  let index = -1;
  let distance = Infinity;
  for (let i = 0; i < length; i += 1) {
    const each = distanceOf(i);
    if (each < distance) {
      distance = each;
      index = i;
    }
  }
  return index < 0 ? null : { index, distance };
}

/**
 * A line through points; a value without a place breaks it.
 * @param {{x: Values, y: Values, colour: string, width?: number, dash?: number[], step?: boolean, end?: string, describe?: (index: number) => Description}} options
 *   step: hold each value until the next; end: mark the last point ("dot" or "cross")
 * @returns {Layer}
 */
export function line({ x, y, colour, width = 1.5, dash = [], step = false, end, describe }) {
  /** @param {Frame} frame */
  function draw(frame) {
    const { ctx } = frame;
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.lineJoin = "round";
    ctx.setLineDash(dash);
    ctx.beginPath();
    let open = false;
    let lastX = 0;
    let lastY = 0;
    for (let i = 0; i < x.length; i += 1) {
      const px = frame.x(x[i]);
      const py = frame.y(y[i]);
      if (Number.isNaN(px + py)) {
        open = false;
        continue;
      }
      if (!open) ctx.moveTo(px, py);
      else if (step) {
        ctx.lineTo(px, lastY);
        ctx.lineTo(px, py);
      } else ctx.lineTo(px, py);
      open = true;
      lastX = px;
      lastY = py;
    }
    ctx.stroke();
    ctx.setLineDash([]);
    if (end && open) endMark(ctx, end, lastX, lastY, colour);
  }
  return {
    draw,
    ...(describe && {
      pick(frame, px, py) {
        const found = closest(x.length, (i) => Math.hypot((frame.x(x[i]) - px) * (step ? 0.4 : 1), frame.y(y[i]) - py));
        return found ? { distance: found.distance, x: frame.x(x[found.index]), y: frame.y(y[found.index]), index: found.index, ...describe(found.index) } : null;
      },
      walk(frame, stride, from) {
        const next = (from + stride + x.length) % x.length;
        return x.length ? { distance: 0, x: frame.x(x[next]), y: frame.y(y[next]), index: next, ...describe(next) } : null;
      },
    }),
  };
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} kind
 * @param {number} x
 * @param {number} y
 * @param {string} colour
 */
function endMark(ctx, kind, x, y, colour) {
  ctx.fillStyle = colour;
  if (kind === "dot") {
    ctx.beginPath();
    ctx.arc(x, y, 2.5, 0, 2 * Math.PI);
    ctx.fill();
    return;
  }
  ctx.lineWidth = 1.5;
  stroke(ctx, x - 3, y - 3, x + 3, y + 3, colour);
  stroke(ctx, x - 3, y + 3, x + 3, y - 3, colour);
}

/**
 * Rectangles between values; an end left out reaches the edge of the plot.
 * @param {{count: number, box: (index: number, frame: Frame) => {x0: number, x1: number, y0: number, y1: number}, fill?: (index: number) => string,
 *   stroke?: (index: number) => string, describe?: (index: number) => Description}} options box is in pixels
 * @returns {Layer}
 */
export function rectangles({ count, box, fill, stroke: edge, describe }) {
  return {
    draw(frame) {
      const { ctx } = frame;
      ctx.lineWidth = 1.25;
      for (let i = 0; i < count; i += 1) {
        const { x0, x1, y0, y1 } = box(i, frame);
        if (x1 < frame.left || x0 > frame.left + frame.width) continue;
        if (fill) {
          ctx.fillStyle = fill(i);
          ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
        }
        if (edge) {
          ctx.strokeStyle = edge(i);
          ctx.strokeRect(x0, y0, x1 - x0, y1 - y0);
        }
      }
    },
    ...(describe && {
      pick(frame, px, py) {
        const found = closest(count, (i) => {
          const { x0, x1, y0, y1 } = box(i, frame);
          return Math.hypot(Math.max(x0 - px, 0, px - x1), Math.max(y0 - py, 0, py - y1));
        });
        return found ? { distance: found.distance, x: px, y: py, index: found.index, ...describe(found.index) } : null;
      },
      walk(frame, step, from) {
        if (!count) return null;
        const next = (from + step + count) % count;
        const { x0, x1, y0, y1 } = box(next, frame);
        return { distance: 0, x: (x0 + x1) / 2, y: (y0 + y1) / 2, index: next, ...describe(next) };
      },
    }),
  };
}

/**
 * A reference line across the plot with its name.
 * @param {{at: number, across?: "x" | "y", colour: string, label?: string, dash?: number[], row?: number}} options
 *   across "y": at a value of y; row: of the label of an upright line, from the top, so that neighbours do not write over each other
 * @returns {Layer}
 */
export function rule({ at, across = "y", colour, label = "", dash = [4, 3], row = 0 }) {
  return {
    draw(frame) {
      const { ctx, left, top, width, height } = frame;
      ctx.setLineDash(dash);
      ctx.lineWidth = 1;
      if (across === "y") {
        const y = Math.round(frame.y(at)) + 0.5;
        stroke(ctx, left, y, left + width, y, colour);
        named(ctx, label, left + width - 4, y - 7, colour);
      } else {
        const x = Math.round(frame.x(at)) + 0.5;
        stroke(ctx, x, top, x, top + height, colour);
        ctx.font = FONT;
        const fits = x - 5 - ctx.measureText(label).width > left;
        named(ctx, label, fits ? x - 5 : x + 5, top + 8 + 13 * row, colour, fits ? "right" : "left");
      }
      ctx.setLineDash([]);
    },
  };
}

/**
 * A name beside its line, on the ground of the page, so that a curve that passes there does not run through the letters.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} colour
 * @param {CanvasTextAlign} [align]
 */
function named(ctx, text, x, y, colour, align = "right") {
  if (!text) return;
  ctx.setLineDash([]);
  ctx.font = FONT;
  ctx.textAlign = align;
  ctx.lineWidth = 4;
  ctx.lineJoin = "round";
  ctx.strokeStyle = themed("--surface");
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y);
}

/**
 * Words in the plot, in pixels from its box.
 * @param {(frame: Frame) => {text: string, x: number, y: number, align?: CanvasTextAlign}[]} place
 * @param {string} colour
 * @returns {Layer}
 */
export function words(place, colour) {
  return {
    draw(frame) {
      const { ctx } = frame;
      ctx.font = FONT;
      ctx.fillStyle = colour;
      for (const { text, x, y, align = "left" } of place(frame)) {
        ctx.textAlign = align;
        ctx.fillText(text, x, y);
      }
    },
  };
}
