/** Axes of a chart: room for their labels, the grid, ticks and titles. */

import { colour } from "../core/theme.js";

/** @typedef {import("./chart.js").Axis} Axis */
/** @typedef {import("./chart.js").Frame} Frame */

export const FONT = '11px "Inter", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const TITLE = `600 ${FONT}`;

/**
 * Measure the labels and place the plot's box.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} width
 * @param {number} height
 * @param {Axis} x
 * @param {Axis} y
 * @returns {Frame}
 */
export function layout(ctx, width, height, x, y) {
  ctx.font = FONT;
  const widest = y.hidden ? 0 : Math.max(0, ...y.scale.ticks(height / 45).map((tick) => ctx.measureText(tick.label).width));
  const left = Math.min(width * 0.4, Math.ceil(widest) + 12);
  const top = y.title ? 24 : 8;
  const bottom = (x.hidden ? 4 : 20) + (x.title ? 18 : 0);
  const plotWidth = Math.max(10, width - left - 14);
  const plotHeight = Math.max(10, height - top - bottom);
  return {
    ctx,
    left,
    top,
    width: plotWidth,
    height: plotHeight,
    x: (value) => left + x.scale.toUnit(value) * plotWidth,
    y: (value) => top + (1 - y.scale.toUnit(value)) * plotHeight,
    xAxis: x,
    yAxis: y,
  };
}

/** @param {Frame} frame */
export function drawAxes(frame) {
  const { ctx, xAxis, yAxis } = frame;
  ctx.lineWidth = 1;
  ctx.textBaseline = "middle";
  if (!yAxis.hidden) drawRows(frame);
  if (!xAxis.hidden) drawColumns(frame);
  ctx.font = TITLE;
  ctx.fillStyle = colour("--muted");
  if (yAxis.title) {
    ctx.textAlign = "left";
    ctx.fillText(yAxis.title, 0, 8);
  }
  if (xAxis.title) {
    ctx.textAlign = "right";
    ctx.fillText(xAxis.title, frame.left + frame.width, frame.top + frame.height + 31);
  }
  ctx.font = FONT;
}

/** @param {Frame} frame */
function drawRows(frame) {
  const { ctx, yAxis, left, width, top, height } = frame;
  ctx.textAlign = "right";
  ctx.font = FONT;
  for (const tick of yAxis.scale.ticks(height / 45)) {
    const y = Math.round(frame.y(tick.value)) + 0.5;
    if (tick.minor || !(y >= top - 1 && y <= top + height + 1)) continue;
    line(ctx, left, y, left + width, y, colour("--grid"));
    ctx.fillStyle = colour("--muted");
    ctx.fillText(tick.label, left - 8, y);
  }
}

/** @param {Frame} frame */
function drawColumns(frame) {
  const { ctx, xAxis, left, width, top, height } = frame;
  const bottom = Math.round(top + height) + 0.5;
  line(ctx, left, bottom, left + width, bottom, colour("--axis"));
  ctx.textAlign = "center";
  ctx.font = FONT;
  let end = -Infinity;
  for (const tick of xAxis.scale.ticks(width / 80)) {
    const x = Math.round(frame.x(tick.value)) + 0.5;
    if (!(x >= left - 1 && x <= left + width + 1)) continue;
    line(ctx, x, bottom, x, bottom + (tick.minor ? 3 : 5), colour("--axis"));
    if (tick.minor) continue;
    const half = ctx.measureText(tick.label).width / 2;
    const centre = Math.min(x, left + width + 12 - half);
    if (centre - half < end + 6) continue;
    end = centre + half;
    ctx.fillStyle = colour("--muted");
    ctx.fillText(tick.label, centre, bottom + 13);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 * @param {string} style
 */
export function line(ctx, x0, y0, x1, y1, style) {
  ctx.strokeStyle = style;
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
