/** Writing YAML: the small part of it a search needs. Reading is the server's. */

const ORDER = ["name", "project", "tags", "note", "dataset", "trainer", "settings", "space", "strategy", "stopping", "objective", "mode", "parallel", "budget", "limits", "resources", "seed"];

/** @param {unknown} value */
function scalar(value) {
  if (typeof value === "number") return yamlNumber(value);
  if (typeof value === "string") return /^[A-Za-z][\w ./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value) ? value : JSON.stringify(value);
  return value === null || value === undefined ? "null" : String(value);
}

/**
 * YAML 1.1 reads 1e-4 as text; 1.0e-4 is a number everywhere.
 * @param {number} value
 */
function yamlNumber(value) {
  const text = String(value);
  return /^-?\d+e/.test(text) ? text.replace("e", ".0e") : text;
}

/** Where null is a value; elsewhere it says the same as nothing. */
const NULLS = ["settings", "when", "enqueued", "set"];

/**
 * The parts of an object that say something.
 * @param {string} name of the object
 * @param {object} object
 */
function partsOf(name, object) {
  return Object.entries(object).filter(([key, value]) => value !== null || NULLS.includes(name) || key === "value");
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
function flow(name, value) {
  if (Array.isArray(value)) return `[${value.map((each) => flow(name, each)).join(", ")}]`;
  if (value && typeof value === "object") return `{${partsOf(name, value).map(([key, inner]) => `${key}: ${flow(key, inner)}`).join(", ")}}`;
  return scalar(value);
}

/** Longer lines are cut where the text is shown beside the form. */
const WIDTH = 44;

/**
 * An entry on one line where it fits, else a line for each of its parts.
 * @param {string} key
 * @param {unknown} value
 * @param {string} indent
 * @returns {string[]}
 */
function entry(key, value, indent) {
  const line = `${indent}${key}: ${flow(key, value)}`;
  const parts = value && typeof value === "object" && !Array.isArray(value) ? partsOf(key, value) : [];
  if (line.length <= WIDTH || !parts.length) return [line];
  return [`${indent}${key}:`, ...parts.flatMap(([name, each]) => entry(name, each, `${indent}  `))];
}

/**
 * What is short stands on one line; the space has at least one line for each parameter.
 * @param {Record<string, unknown>} value
 */
export function toYaml(value) {
  const lines = [];
  const place = (/** @type {string} */ key) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  for (const [key, each] of Object.entries(value).sort(([a], [b]) => place(a) - place(b))) {
    if (key === "space" && each && typeof each === "object") {
      lines.push("space:", ...Object.entries(each).flatMap(([name, definition]) => entry(name, definition, "  ")));
    } else lines.push(...entry(key, each, ""));
  }
  return `${lines.join("\n")}\n`;
}
