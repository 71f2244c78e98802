import js from "@eslint/js";
import { importX } from "eslint-plugin-import-x";

/** Names a browser gives; what is not listed here is a mistake. */
const browser = Object.fromEntries(
  [
    "AbortController AbortSignal Blob CSS CustomEvent DOMException Event EventTarget FormData Intl IntersectionObserver Node Element File",
    "ResizeObserver Response TextDecoderStream URL URLSearchParams XMLHttpRequest clearTimeout console crypto document fetch",
    "getComputedStyle history localStorage location matchMedia navigator performance requestAnimationFrame sessionStorage",
    "setTimeout structuredClone window HTMLElement HTMLInputElement HTMLSelectElement",
  ].flatMap((line) => line.split(" ").map((name) => [name, "readonly"])),
);

/** The folders, each of which may import those before it; app.js and routes.js may import all. */
const LAYERS = ["core", "charts", "components", "pictures", "pages"];
const STATIC = "./service/dashboard/static";
const zones = LAYERS.map((layer, place) => ({
  target: `${STATIC}/${layer}`,
  from: [`${STATIC}/*.js`, ...LAYERS.slice(place + 1).map((above) => `${STATIC}/${above}/**`)],
  message: `${layer}/ stands below: ${LAYERS.join(" < ")} < routes.js, app.js.`,
}));

export default [
  js.configs.recommended,
  {
    plugins: { "import-x": importX },
    languageOptions: { ecmaVersion: "latest", sourceType: "module", globals: browser },
    rules: {
      "import-x/no-cycle": "error", // dynamic imports count
      "import-x/no-restricted-paths": ["error", { zones }],
      "import-x/no-unresolved": "error",
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", { max: 90, skipComments: true, skipBlankLines: true }],
      complexity: ["error", 20],
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-param-reassign": "off",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Set text, or build elements with h(): nothing from the server may become markup." },
        { property: "outerHTML", message: "Build elements with h()." },
        { property: "insertAdjacentHTML", message: "Build elements with h()." },
      ],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
