/** What the server offers by name, as its own document says: strategies, stopping rules, scales, states, formats, fields of trials. */

import { call, isAbort } from "./api.js";

/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./schema.js").OpenApi} OpenApi */
/** @typedef {{name: string, schema: Schema, required: boolean}} Option a setting of a strategy or stopping rule */
/** @typedef {{name: string, title: string, help: string, options: Option[]}} Kind a strategy or stopping rule */
/** @typedef {{name: string, path: string, use: string[], time: boolean}} TrialField path: in a trial's JSON */
/**
 * @typedef {object} Catalog
 * @property {Kind[]} strategies
 * @property {Kind[]} rules
 * @property {string[]} scales
 * @property {string[]} directions
 * @property {string[]} searchStates
 * @property {string[]} formats
 * @property {TrialField[]} trialFields
 */

/** @type {Promise<Catalog> | null} */
let reading = null;

/**
 * Read it, once for all pages. Without it the pages work: names are typed, and the server checks them.
 * @returns {Promise<Catalog>}
 */
export async function loadCatalog() {
  reading ??= call("/openapi.json").then(catalogOf);
  try {
    return await reading;
  } catch (error) {
    reading = null; // asked again next time
    if (!isAbort(error)) console.warn(error);
    return { strategies: [], rules: [], scales: [], directions: [], searchStates: [], formats: [], trialFields: [] };
  }
}

/**
 * @param {OpenApi} document
 * @returns {Catalog}
 */
function catalogOf({ paths, components }) {
  const schemas = components?.schemas ?? {};
  /** @type {(schema: Schema | undefined) => Schema} */
  const resolved = (schema) => (schema?.$ref ? (schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}) : (schema ?? {}));
  /** @type {(schema: string, name: string) => Schema} */
  const property = (schema, name) => resolved(schemas[schema]?.properties?.[name]);
  /** @type {(schema: Schema | boolean | undefined) => Schema[]} */
  const kinds = (schema) => (typeof schema === "object" ? (schema.oneOf ?? schema.anyOf ?? []).map(resolved) : []);
  const range = kinds(property("SearchSpec", "space").additionalProperties).find(({ properties }) => properties?.scale);
  const format = paths["/api/v1/searches/{search}/export"]?.get?.parameters?.find(({ name }) => name === "format");
  return {
    strategies: kinds(property("SearchSpec", "strategy")).map(kindOf),
    rules: kinds(property("SearchSpec", "stopping")).map(kindOf),
    scales: names(resolved(range?.properties?.scale)),
    directions: names(property("Objective", "direction")),
    searchStates: names(property("Search", "state")),
    formats: names(format?.schema),
    trialFields: schemas.Trial?.["x-fields"] ?? [],
  };
}

/**
 * @param {Schema} schema of a strategy or stopping rule
 * @returns {Kind}
 */
function kindOf({ title = "", description = "", properties = {}, required = [] }) {
  const { name, ...options } = properties;
  return {
    name: String(name?.const ?? ""),
    title,
    help: description.split("\n\n")[0] ?? "",
    options: Object.entries(options).map(([option, schema]) => ({ name: option, schema, required: required.includes(option) })),
  };
}

/** @param {Schema | undefined} schema */
const names = (schema) => (schema?.enum ?? []).map(String);

/** Words for names that do not read well as they are. */
const WORDS = /** @type {Record<string, string>} */ ({
  one_minus_log: "one-minus-log",
  minimize: "minimise",
  maximize: "maximise",
  csv: "CSV",
  parquet: "Parquet",
  json: "JSON",
  optuna: "Optuna storage (SQLite)",
});

/**
 * Names as the options of a select field.
 * @param {string[]} values
 * @returns {[string, string][]}
 */
export function optionsOf(values) {
  return values.map((value) => [value, WORDS[value] ?? value.replaceAll("_", " ")]);
}
