/** Values on a grid: coloured cells, and the line on which they cross a level. */

import { line as stroke } from "./axes.js";

/** @typedef {import("./chart.js").Layer} Layer */
/** @typedef {import("./chart.js").Frame} Frame */
/** @typedef {{x: (number | string)[], y: (number | string)[]}} Grid the places along both axes */

const AWAY = 16; // pixels that a cell seems to lie off, so that a point above it is picked first

/**
 * Cells around the places of a grid.
 * @param {{grid: Grid, fill: (row: number, column: number) => string, describe: (row: number, column: number) => import("./layers.js").Description}} options
 * @returns {Layer}
 */
export function cells({ grid, fill, describe }) {
  const colours = grid.y.map((_, row) => grid.x.map((_each, column) => fill(row, column)));
  return {
    draw(frame) {
      const [xs, ys] = [edges(grid.x, frame.x, frame.width), edges(grid.y, frame.y, frame.height)];
      for (const [row, along] of colours.entries()) {
        for (const [column, colour] of along.entries()) {
          const [left = 0, right = 0] = [xs[column], xs[column + 1]];
          const [one = 0, other = 0] = [ys[row], ys[row + 1]];
          frame.ctx.fillStyle = colour;
          frame.ctx.fillRect(Math.round(left), Math.round(Math.min(one, other)), Math.round(right) - Math.round(left), Math.round(Math.max(one, other)) - Math.round(Math.min(one, other)));
        }
      }
    },
    pick(frame, px, py) {
      const [column, row] = [nearest(grid.x, frame.x, px), nearest(grid.y, frame.y, py)];
      const inside = px >= frame.left && px <= frame.left + frame.width && py >= frame.top && py <= frame.top + frame.height;
      return inside ? { distance: AWAY, x: px, y: py, index: row * grid.x.length + column, ...describe(row, column) } : null;
    },
  };
}

/**
 * Where the cells of an axis begin and end, in pixels: half way between the places.
 * @param {(number | string)[]} values
 * @param {(value: any) => number} place
 * @param {number} room that a single place has
 */
function edges(values, place, room) {
  const at = values.map(place);
  const half = at.length > 1 ? (Number(at[1]) - Number(at[0])) / 2 : room / 2;
  return [Number(at[0]) - half, ...at.map((each, index) => (index + 1 < at.length ? (each + Number(at[index + 1])) / 2 : each + half))];
}

/**
 * @param {(number | string)[]} values
 * @param {(value: any) => number} place
 * @param {number} pixel
 */
function nearest(values, place, pixel) {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    if (Math.abs(place(values[index]) - pixel) < Math.abs(place(values[best]) - pixel)) best = index;
  }
  return best;
}

/**
 * The line on which values on a grid of numbers cross a level, by linear interpolation (marching squares).
 * @param {{grid: Grid, values: number[][], level: number, colour: string, width?: number}} options
 * @returns {Layer}
 */
export function isoline({ grid, values, level, colour, width = 1.5 }) {
  const [xs, ys] = [grid.x.map(Number), grid.y.map(Number)];
  const segments = crossings(xs, ys, values, level);
  return {
    draw(frame) {
      frame.ctx.lineWidth = width;
      for (const [x0, y0, x1, y1] of segments) stroke(frame.ctx, frame.x(x0), frame.y(y0), frame.x(x1), frame.y(y1), colour);
    },
  };
}

/**
 * @param {number[]} xs
 * @param {number[]} ys
 * @param {number[][]} values a row for each y
 * @param {number} level
 * @returns {[number, number, number, number][]} segments
 */
export function crossings(xs, ys, values, level) {
  /** @type {[number, number, number, number][]} */
  const found = [];
  for (let row = 0; row + 1 < ys.length; row += 1) {
    for (let column = 0; column + 1 < xs.length; column += 1) {
      const corners = [[row, column], [row, column + 1], [row + 1, column + 1], [row + 1, column]].map(([r = 0, c = 0]) => ({ x: xs[c] ?? 0, y: ys[r] ?? 0, above: (values[r]?.[c] ?? NaN) - level }));
      const points = corners.flatMap((from, index) => {
        const to = corners[(index + 1) % 4] ?? from;
        if (Number.isNaN(from.above + to.above) || from.above > 0 === to.above > 0) return [];
        const share = from.above / (from.above - to.above);
        return [[from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)]];
      });
      for (let pair = 0; pair + 1 < points.length; pair += 2) found.push(/** @type {any} */ ([...(points[pair] ?? []), ...(points[pair + 1] ?? [])]));
    }
  }
  return found;
}
