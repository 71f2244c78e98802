/** Types that pages name: those of the REST interface (api.d.ts, made from docs/openapi.json) and the dashboard's own. */

type Api = import("./api.d.ts").Schemas;

type Value = number | string | boolean | null | (number | string | boolean | null)[];
type Point = Record<string, Value>;

type ProblemItem = Api["ProblemField"];
type Problem = Api["Problem"];

/** A parameter in the form: a range, choices or one value, parts of which may still be missing. */
type Definition = Partial<Pick<Api["Range"], "scale" | "type" | "low" | "high" | "step" | "zero" | "each">> & {
  choices?: Value[]; value?: Value; when?: Record<string, unknown> | null;
};

type Objective = Required<Omit<Api["Objective"], "value">> & Pick<Api["Objective"], "value">;

interface Method { name: string; [option: string]: unknown }

/** As submitted: what was left out has its default on the server. */
interface Spec {
  name?: string; note?: string | null; project?: string | null; tags?: string[]; dataset?: Record<string, unknown> & { name?: string };
  trainer?: string; settings?: Record<string, Value>; space: Record<string, Definition>;
  strategy?: Method; stopping?: Method | null; objective?: Partial<Objective>; further?: Partial<Objective>[] | undefined; mode?: string; parallel?: number;
  budget: Record<string, number | null>; seed?: number; base_error?: number | null; [key: string]: unknown;
}

/** A search in the form: every part that it edits is there. */
interface FullSpec extends Spec {
  name: string; dataset: Record<string, unknown> & { name?: string }; trainer: string; settings: Record<string, Value>;
  strategy: Method; stopping: Method; objective: Objective; seed: number;
}

/** A record whose point has values: OpenAPI leaves open what they are. */
type Pointed<T> = Omit<T, "params"> & { params: Point };

type Search = Omit<Api["Search"], "spec" | "budget" | "best"> & {
  spec: Spec; budget: Record<string, number | null>; best: Pointed<Api["Best"]> | null;
};
type Trial = Pointed<Api["Trial"]>;

interface Page<T> { items: T[]; next: string | null; total: number }
type Branch = Api["CurveBranch"];
type Curve = Api["Curve"];
type Agent = Api["AgentRecord"];
type Dataset = Api["DatasetInfo"];
type SettingInfo = Api["SettingRecord"];
type Trainer = Api["TrainerRecord"];
type Standing = Pointed<Api["StandingRecord"]>;
type Command = Api["Command"];

/** Settings of a branch that changed on the way, with the mini-batch and epoch of each change. */
type BranchChanges = Omit<Api["BranchRecord"], "changes"> & {
  changes: { step: number; epoch: number; settings: Record<string, unknown> }[];
};
type Steering = Omit<Api["Steering"], "commands" | "branches"> & { commands: Command[]; branches: BranchChanges[] };

/** What a page receives from the router. */
interface PageContext {
  outlet: HTMLElement;
  params: string[];
  query: URLSearchParams;
  /** Aborted when the user leaves the page: listeners, requests and streams end with it. */
  signal: AbortSignal;
  /** Change the address; the page hears of it through onQuery. */
  setQuery(changes: Record<string, string | null>, options?: { push?: boolean }): void;
  /** Hear of changes of the query, until the page is left or `until` ends. */
  onQuery(listener: (query: URLSearchParams) => void, until?: AbortSignal): void;
  title(text: string): void;
}

/** A page: its address, "/searches/{search}", and where it stands in the navigation, by a title of its own or under another page. */
interface Route { path: string; title?: string; under?: string; load: () => Promise<PageModule> }
interface PageModule { page(context: PageContext): void | Promise<void> }

/** What a view of a search can use: the search as it is now, and word of its changes. */
interface SearchView {
  search: () => Search;
  outlet: HTMLElement;
  context: PageContext;
  /** Ends with the view. */
  signal: AbortSignal;
  /** Call now and whenever trials have changed. */
  live: (work: () => Promise<unknown>, least?: number) => void;
  /** Look again: something was asked of the search, which may go on after its end. */
  refresh: () => Promise<void>;
}

/** A picture of a search reads its own data (update) or is drawn from a sample of the trials (draw). */
interface Picture {
  node: HTMLElement;
  fail(error: unknown): void;
  update?: () => Promise<void>;
  draw?: (sample: import("./static/pictures/sample.js").Sample) => void | Promise<void>;
}

interface TrialView {
  trial: () => Trial;
  search: Search;
  signal: AbortSignal;
  replaced: (trial: Trial) => void;
}

/** What the curve of a trial shows of its steering: commands that took effect, and the point that was chosen. */
interface SteeredTrial {
  now: Steering | null;
  point: { epoch: number; branch: number } | null;
  pick(epoch: number, branch: number): void;
}

/** A trial, or one branch of it, beside others. */
interface Compared { trial: Trial; curve: Curve; branch: Branch | undefined; name: string; changed: string[] }
