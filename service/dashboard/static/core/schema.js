/** JSON schemas of the API in words: types, limits, members. */

/**
 * @typedef {object} Schema
 * @property {string} [$ref]
 * @property {string} [type]
 * @property {string} [format]
 * @property {string} [title]
 * @property {string} [description]
 * @property {unknown[]} [enum]
 * @property {unknown} [const]
 * @property {unknown} [default]
 * @property {Schema[]} [anyOf]
 * @property {Schema[]} [oneOf]
 * @property {Schema[]} [allOf]
 * @property {Schema} [items]
 * @property {Schema[]} [prefixItems]
 * @property {Schema | boolean} [additionalProperties]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [exclusiveMaximum]
 * @property {number} [minLength]
 * @property {number} [maxLength]
 * @property {string} [pattern]
 * @property {{name: string, path: string, use: string[], time: boolean}[]} [x-fields] of a trial: what each may be asked for
 */
/** @typedef {{name: string, in: string, required?: boolean, description?: string, schema: Schema}} Parameter */
/** @typedef {{description?: string, content?: Record<string, {schema?: Schema}>}} Answer */
/** @typedef {{summary?: string, description?: string, tags?: string[], parameters?: Parameter[], requestBody?: Answer & {required?: boolean}, responses: Record<string, Answer>}} Operation */
/** @typedef {{info: {title: string, version: string}, paths: Record<string, Record<string, Operation>>, components?: {schemas?: Record<string, Schema>}}} OpenApi */
/** @typedef {{text: string, schema?: string}} Word schema: the name of a schema that the word stands for */

/**
 * A type as words, some of which name a schema: "list of Trial or null".
 * @param {Schema | undefined} schema
 * @returns {Word[]}
 */
export function typeWords(schema) {
  if (!schema || !Object.keys(schema).length) return [{ text: "any" }];
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return [{ text: name, schema: name }];
  }
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) return choices.flatMap((each, index) => [...(index ? [{ text: " or " }] : []), ...typeWords(each)]);
  if (schema.const !== undefined) return [{ text: JSON.stringify(schema.const) }];
  if (schema.enum) return [{ text: schema.enum.map((each) => JSON.stringify(each)).join(", ") }];
  if (schema.prefixItems) return [{ text: "[" }, ...schema.prefixItems.flatMap((each, index) => [...(index ? [{ text: ", " }] : []), ...typeWords(each)]), { text: "]" }];
  if (schema.type === "array") return [{ text: "list of " }, ...typeWords(schema.items)];
  if (schema.type === "object" && schema.additionalProperties && schema.additionalProperties !== true) return [{ text: "mapping to " }, ...typeWords(schema.additionalProperties)];
  return [{ text: (schema.format === "binary" ? "bytes" : schema.format) ?? schema.type ?? "any" }];
}

/**
 * Limits and default: "1 to 1000, default 50".
 * @param {Schema} schema
 * @returns {string}
 */
export function limits(schema) {
  const all = [schema, ...(schema.anyOf ?? [])];
  const first = (/** @type {keyof Schema} */ name) => all.map((each) => each[name]).find((value) => value !== undefined);
  const said = [];
  const [low, high] = [first("minimum"), first("maximum")];
  if (low !== undefined && high !== undefined) said.push(`${low} to ${high}`);
  else if (low !== undefined) said.push(`at least ${low}`);
  else if (high !== undefined) said.push(`at most ${high}`);
  if (first("exclusiveMinimum") !== undefined) said.push(`above ${first("exclusiveMinimum")}`);
  if (first("exclusiveMaximum") !== undefined) said.push(`below ${first("exclusiveMaximum")}`);
  if (first("maxLength") !== undefined) said.push(`at most ${first("maxLength")} characters`);
  if (schema.default !== undefined && schema.default !== null) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(", ");
}

/**
 * A call as a shell command.
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 * @param {string} origin
 */
export function curl(method, path, operation, origin) {
  const needed = (operation.parameters ?? []).filter(({ in: place, required }) => place === "query" && required).map(({ name }) => `${name}=${name.toUpperCase()}`);
  const address = `${origin}${path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase())}${needed.length ? `?${needed.join("&")}` : ""}`;
  const type = Object.keys(operation.requestBody?.content ?? {})[0];
  const body = !type ? "" : type.includes("json") ? ` \\\n  -H 'Content-Type: ${type}' -d @body.json` : ` \\\n  -H 'Content-Type: ${type}' --data-binary @FILE`;
  return `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}'${address}'${body}`;
}
