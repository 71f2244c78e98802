/** One axis of parallel coordinates: its line, ticks, title and brush. */

import { colour } from "../core/theme.js";
import { FONT, line } from "./axes.js";

export const TOP = 40;
export const BOTTOM = 14;

/**
 * @param {number} unit
 * @param {number} height
 */
export function yOf(unit, height) {
  return TOP + (1 - unit) * (height - TOP - BOTTOM);
}

/** @param {{ctx: CanvasRenderingContext2D, axis: import("./parallel.js").ParallelAxis, x: number, height: number, brush: [number, number] | undefined}} options */
export function paintAxis({ ctx, axis, x, height, brush }) {
  ctx.lineWidth = 1;
  line(ctx, x, yOf(0, height), x, yOf(1, height), colour("--axis"));
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const tick of axis.scale.ticks((height - TOP) / 50)) {
    const y = yOf(axis.scale.toUnit(tick.value), height);
    if (!tick.minor && y >= TOP - 2 && y <= height - BOTTOM + 2) paintTick(ctx, tick.label, x, y);
  }
  ctx.font = `600 ${FONT}`;
  ctx.textAlign = "center";
  ctx.fillStyle = colour("--ink");
  ctx.fillText(axis.title, x, 14);
  if (brush) paintBrush(ctx, x, yOf(brush[1], height), yOf(brush[0], height));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
function paintTick(ctx, text, x, y) {
  line(ctx, x, y, x + 4, y, colour("--axis"));
  ctx.fillStyle = colour("--surface");
  ctx.globalAlpha = 0.8;
  ctx.fillRect(x + 5, y - 6, ctx.measureText(text).width + 4, 12);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour("--muted");
  ctx.fillText(text, x + 7, y);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} top
 * @param {number} bottom
 */
function paintBrush(ctx, x, top, bottom) {
  ctx.fillStyle = colour("--best");
  ctx.globalAlpha = 0.28;
  ctx.fillRect(x - 7, top, 14, bottom - top);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour("--best");
  ctx.strokeRect(x - 7, top, 14, bottom - top);
}
