/** A field over two axes: the average of nearby points on a grid, drawn in bands like the heights of a map. */

import { rampColour } from "./ramp.js";

/** @typedef {import("./scales.js").Scale} Scale */

const SIZE = 72;
const WIDTH = 0.07;
const BANDS = 9;

/**
 * Kernel average of `heights` at each place of a grid over the unit square, and how much supports it.
 * @param {Float32Array} x unit coordinates
 * @param {Float32Array} y
 * @param {ArrayLike<number>} heights
 */
export function smooth(x, y, heights) {
  const value = new Float32Array(SIZE * SIZE);
  const support = new Float32Array(SIZE * SIZE);
  const reach = Math.ceil(3 * WIDTH * SIZE);
  for (let i = 0; i < x.length; i += 1) {
    const px = Number(x[i]) * SIZE - 0.5;
    const py = Number(y[i]) * SIZE - 0.5;
    if (Number.isNaN(px + py)) continue;
    for (let row = Math.max(0, Math.ceil(py - reach)); row <= Math.min(SIZE - 1, py + reach); row += 1) {
      for (let column = Math.max(0, Math.ceil(px - reach)); column <= Math.min(SIZE - 1, px + reach); column += 1) {
        const away = ((column - px) ** 2 + (row - py) ** 2) / (WIDTH * SIZE) ** 2;
        const weight = Math.exp(-away / 2);
        const place = row * SIZE + column;
        value[place] = Number(value[place]) + weight * Number(heights[i]);
        support[place] = Number(support[place]) + weight;
      }
    }
  }
  for (let place = 0; place < value.length; place += 1) value[place] = Number(value[place]) / Math.max(1e-9, Number(support[place]));
  return { value, support };
}

/** @param {(unit: number) => number} place */
const edges = (place) => Float32Array.from({ length: SIZE + 1 }, (_, index) => place(index / SIZE));

/**
 * A layer of coloured bands from worst to best.
 * @param {{x: Float32Array, y: Float32Array, heights: ArrayLike<number>, scaleX: Scale, scaleY: Scale}} data heights: ranks, 1 is best
 * @returns {import("./chart.js").Layer}
 */
export function field({ x, y, heights, scaleX, scaleY }) {
  const { value, support } = smooth(x, y, heights);
  const known = [...value].filter((_, place) => Number(support[place]) > 0.15).sort((a, b) => a - b);
  const low = known[0] ?? 0;
  const high = known.at(-1) ?? 1;
  return {
    draw(frame) {
      const { ctx, left, top, width, height } = frame;
      const edgeX = edges((unit) => (frame.xAxis.scale === scaleX ? left + unit * width : frame.x(scaleX.fromUnit(unit))));
      const edgeY = edges((unit) => (frame.yAxis.scale === scaleY ? top + (1 - unit) * height : frame.y(scaleY.fromUnit(unit))));
      for (let place = 0; place < value.length; place += 1) {
        const trust = Math.min(1, Number(support[place]) / 0.6);
        if (trust < 0.1) continue;
        const band = Math.floor(((Number(value[place]) - low) / (high - low || 1)) * BANDS) / (BANDS - 1);
        ctx.fillStyle = rampColour(band, trust);
        const [column, row] = [place % SIZE, Math.floor(place / SIZE)];
        const [x0, x1, y0, y1] = [Number(edgeX[column]), Number(edgeX[column + 1]), Number(edgeY[row + 1]), Number(edgeY[row])];
        ctx.fillRect(x0, y0, x1 - x0 + 0.6, y1 - y0 + 0.6);
      }
    },
  };
}
