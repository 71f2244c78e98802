/** Values as they are typed in fields, and back without loss. */

/**
 * Values between commas: numbers, true, null, lists, texts in quotes and plain words.
 * @param {string} text
 * @returns {Value[]}
 */
export function parseItems(text) {
  const parts = text.match(/\[[^\]]*\]|"(?:[^"\\]|\\.)*"|[^,\s][^,]*/g) ?? [];
  return parts.map((part) => {
    try {
      return JSON.parse(part);
    } catch {
      return part.trim(); // a plain word
    }
  });
}

/**
 * A value as `parseItems` reads it back: a text that looks like something else is put in quotes.
 * @param {unknown} value
 */
export function formatItem(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  const read = parseItems(value);
  return read.length === 1 && read[0] === value ? value : JSON.stringify(value);
}

/**
 * A single value, which may hold commas.
 * @param {string} text
 * @returns {Value}
 */
export function parseValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text; // .5, or a plain word
  }
}

/**
 * A value as `parseValue` reads it back.
 * @param {unknown} value
 */
export function formatValue(value) {
  return typeof value === "string" && parseValue(value) === value ? value : JSON.stringify(value);
}

/** @param {string} text names between commas */
export function parseNames(text) {
  return text.split(",").map((name) => name.trim()).filter(Boolean);
}
