/**
 * Write service/dashboard/api.d.ts, the shapes of the REST interface, from docs/openapi.json: node .ci/api-types.js
 * With --check nothing is written; it fails when the file is not what the document makes it.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const DOCUMENT = new URL("../docs/openapi.json", import.meta.url);
const TYPES = new URL("../service/dashboard/api.d.ts", import.meta.url);
const HEAD = "/** Shapes of the REST interface, made from docs/openapi.json: make openapi. Types only; nothing here is served. */";

/**
 * A schema whose references point at its own definitions. Pydantic's titles go: each would become a type of its own.
 * @param {any} part
 * @param {boolean} [named] whether the keys are names of properties or definitions, not words of JSON Schema
 * @returns {any}
 */
function plain(part, named = false) {
  if (Array.isArray(part)) return part.map((each) => plain(each));
  if (!part || typeof part !== "object") return part;
  const open = Object.keys(part).every((key) => ["title", "description", "default"].includes(key));
  if (open && !named) return { description: part.description, tsType: "unknown" };
  const entries = Object.entries(part).filter(([key]) => named || !["title", "default", "examples", "discriminator"].includes(key));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (key === "$ref" && !named) return [key, String(value).replace("#/components/schemas/", "#/definitions/")];
      return [key, plain(value, !named && ["properties", "definitions"].includes(key))];
    }),
  );
}

const { schemas } = JSON.parse(readFileSync(DOCUMENT, "utf8")).components;
const names = Object.keys(schemas).sort();
const made = await compile(
  {
    type: "object",
    additionalProperties: false,
    required: names,
    properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/definitions/${name}` }])),
    definitions: plain(schemas, true),
  },
  "Schemas",
  { additionalProperties: false, bannerComment: HEAD, format: true, maxItems: 0, style: { printWidth: 120 }, unknownAny: true },
);

if (!process.argv.includes("--check")) writeFileSync(TYPES, made);
else if (readFileSync(TYPES, "utf8") !== made) {
  console.error("service/dashboard/api.d.ts is not made of docs/openapi.json as it is: make openapi, and commit both");
  process.exitCode = 1;
}
