/** Shapes of the REST interface, made from docs/openapi.json: make openapi. Types only; nothing here is served. */

export type JsonValue = unknown;

export interface Schemas {
  Acknowledgement: Acknowledgement;
  Added: Added;
  AdviceRecord: AdviceRecord;
  Agent: Agent;
  AgentEnd: AgentEnd;
  AgentList: AgentList;
  AgentRecord: AgentRecord;
  AgentsWanted: AgentsWanted;
  ArtifactList: ArtifactList;
  ArtifactRecord: ArtifactRecord;
  AsideResult: AsideResult;
  Assignment: Assignment;
  Attempt: Attempt;
  Attempts: Attempts;
  AttributeList: AttributeList;
  AttributeRecord: AttributeRecord;
  Attributes: Attributes;
  Axis: Axis;
  Best: Best;
  Between: Between;
  Boundary: Boundary;
  BranchRecord: BranchRecord;
  Budget: Budget;
  Cause: Cause;
  Causes: Causes;
  Change: Change;
  ChangeLog: ChangeLog;
  Changes: Changes;
  Check: Check;
  CheckpointList: CheckpointList;
  CheckpointRecord: CheckpointRecord;
  Choice: Choice;
  ClassCount: ClassCount;
  Cmaes: Cmaes;
  CoarseToFine: CoarseToFine;
  Column: Column;
  Command: Command;
  CommandList: CommandList;
  CommandOrder: CommandOrder;
  CommandRequest: CommandRequest;
  Commands: Commands;
  Confused: Confused;
  Constraint: Constraint;
  Corrected: Corrected;
  Correction: Correction;
  Costs: Costs;
  Counts: Counts;
  CourseOfSearch: CourseOfSearch;
  Curve: Curve;
  CurveBranch: CurveBranch;
  CurveList: CurveList;
  DatasetInfo: DatasetInfo;
  DatasetList: DatasetList;
  Deed: Deed;
  Deeds: Deeds;
  Description: Description;
  DiagnosisRecord: DiagnosisRecord;
  Drop: Drop;
  Edit: Edit;
  EditList: EditList;
  EndedBy: EndedBy;
  Evidence: Evidence;
  ExchangeRequest: ExchangeRequest;
  ExchangeResponse: ExchangeResponse;
  Exclusion: Exclusion;
  Failure: Failure;
  FarColumn: FarColumn;
  FindingRecord: FindingRecord;
  Fixed: Fixed;
  Front: Front;
  Gp: Gp;
  Grid: Grid;
  Held: Held;
  Hyperband: Hyperband;
  Importance: Importance;
  InTraining: InTraining;
  JsonValue: JsonValue;
  Label: Label;
  LabelLists: LabelLists;
  LearningCurve: LearningCurve;
  Limits: Limits;
  Link: Link;
  Links: Links;
  Log: Log;
  LoggedChange: LoggedChange;
  Look: Look;
  Looks: Looks;
  LossPlane: LossPlane;
  MadeLink: MadeLink;
  MadeToken: MadeToken;
  MadeWebhook: MadeWebhook;
  MeanOfLast: MeanOfLast;
  Median: Median;
  MovedColumn: MovedColumn;
  MovedPart: MovedPart;
  NewLink: NewLink;
  NewLook: NewLook;
  NewRetest: NewRetest;
  NewRows: NewRows;
  NewStudy: NewStudy;
  NewTags: NewTags;
  NewToken: NewToken;
  NewTrials: NewTrials;
  NewVerification: NewVerification;
  NewVersion: NewVersion;
  NewWebhook: NewWebhook;
  NextStepRecord: NextStepRecord;
  NoStopping: NoStopping;
  NoteInfo: NoteInfo;
  Nsga2: Nsga2;
  Numbers: Numbers;
  Objective: Objective;
  ObjectiveOfFront: ObjectiveOfFront;
  OlderCheckpoint: OlderCheckpoint;
  Origin: Origin;
  Outcomes: Outcomes;
  Outlook: Outlook;
  ParameterImportance: ParameterImportance;
  ParsedSearch: ParsedSearch;
  Path: Path;
  Patience: Patience;
  PlaceRecord: PlaceRecord;
  "Points-Input": PointsInput;
  "Points-Output": PointsOutput;
  Population: Population;
  PopulationTurns: PopulationTurns;
  Predicted: Predicted;
  Predictions: Predictions;
  Preview: Preview;
  Problem: Problem;
  ProblemField: ProblemField;
  Race: Race;
  Random: Random;
  Range: Range;
  Readiness: Readiness;
  Reevaluate: Reevaluate;
  Report: Report;
  Residuals: Residuals;
  Resources: Resources1;
  Result: Result;
  Resume: Resume;
  Retest: Retest;
  RetestReport: RetestReport;
  RetestSchedule: RetestSchedule;
  RetestedWinner: RetestedWinner;
  Retests: Retests;
  Rewind: Rewind;
  RoundRecord: RoundRecord;
  Rounds: Rounds;
  Row: Row;
  Rows: Rows;
  RunnerUpRecord: RunnerUpRecord;
  Schedule: Schedule;
  ScheduledChange: ScheduledChange;
  Search: Search;
  SearchCheck: SearchCheck;
  SearchPage: SearchPage;
  SearchRecord: SearchRecord;
  SearchSettings: SearchSettings;
  SearchSpec: SearchSpec;
  Session: Session;
  Setting: Setting;
  SettingRecord: SettingRecord;
  Side: Side;
  Slice: Slice;
  Sliced: Sliced;
  Slices: Slices;
  Slot: Slot;
  SlotsWanted: SlotsWanted;
  Sobol: Sobol;
  Space: Space;
  StandingRecord: StandingRecord;
  Standings: Standings;
  Steering: Steering;
  StepRecord: StepRecord;
  StopTable: StopTable;
  StoredCheckpoint: StoredCheckpoint;
  Studies: Studies;
  Study: Study;
  StudyTrials: StudyTrials;
  SuccessiveHalving: SuccessiveHalving;
  SummaryRecord: SummaryRecord;
  Tag: Tag;
  TargetInfo: TargetInfo;
  TestedMetric: TestedMetric;
  Threshold: Threshold;
  Timeline: Timeline;
  TokenInfo: TokenInfo;
  TokenList: TokenList;
  Tpe: Tpe;
  TrainerList: TrainerList;
  TrainerRecord: TrainerRecord;
  Trial: Trial;
  TrialColumns: TrialColumns;
  TrialCurve: TrialCurve;
  TrialLimits: TrialLimits;
  TrialOfFront: TrialOfFront;
  TrialPage: TrialPage;
  Trials: Trials;
  Tried: Tried;
  Version: Version;
  VersusRecord: VersusRecord;
  WarmStart: WarmStart;
  Warning: Warning;
  Webhook: Webhook;
  Webhooks: Webhooks;
  When: When;
  WinnerRecord: WinnerRecord;
}
/**
 * A command that took effect, perhaps later than it was to, or that was refused.
 */
export interface Acknowledgement {
  command: number;
  step?: number | null;
  epoch?: number | null;
  before?: {
    [k: string]: JsonValue;
  };
  after?: {
    [k: string]: JsonValue;
  };
  refused?: string | null;
  late?: string | null;
}
/**
 * The number of the first trial added (null: the study is paused, ask again), and what has changed.
 */
export interface Added {
  revision: number;
  items: {
    [k: string]: unknown;
  }[];
  first: number | null;
}
/**
 * An observation, and what would act on it.
 */
export interface AdviceRecord {
  kind: string;
  since: number;
  text: string;
  command: {
    [k: string]: unknown;
  } | null;
  /**
   * of another trial, instead of those of this one, where no command would help it
   */
  settings: {
    [k: string]: unknown;
  } | null;
}
/**
 * Who is speaking; the id is random, one for each process.
 */
export interface Agent {
  id: string;
  host?: string;
  pid?: number;
  engine?: string;
  version?: string;
  trainers?: string[];
  searches?: number[] | null;
  slot?: Slot | null;
  device?: string | null;
}
/**
 * What an agent has for a trial.
 */
export interface Slot {
  cpus?: number;
  gpus?: number;
  custom?: {
    [k: string]: number;
  };
  exact?: boolean;
}
/**
 * How an agent's process ended, as its supervisor saw it, and whether the trial in training did it.
 */
export interface AgentEnd {
  reason: string;
  cause?: "trial" | "unknown" | "outside";
  training?: InTraining | null;
  limit?: string | null;
}
/**
 * The one attempt of those in an agent's hands that it trains, and for how many seconds.
 */
export interface InTraining {
  trial: string;
  attempt: number;
  seconds: number;
  quiet?: number | null;
}
/**
 * Agents alive, and those lost lately.
 */
export interface AgentList {
  items: AgentRecord[];
}
/**
 * A worker process.
 */
export interface AgentRecord {
  id: string;
  host: string;
  pid: number;
  engine: string;
  version: string;
  /**
   * empty: it takes any
   */
  trainers: string[];
  state: string;
  started: string;
  seen: string;
  /**
   * seconds for which one that is alive was not heard of, if that is longer than it should be: it is dead, cut off or stopped, or its trainer holds the interpreter
   */
  silent: number | null;
  /**
   * trials in hand
   */
  holding: string[];
  /**
   * why it left
   */
  reason: string | null;
  /**
   * why it gets no trials: more failed on it than on others; /trust lifts this
   */
  suspended: string | null;
  resources: Resources;
  /**
   * CUDA_VISIBLE_DEVICES of its process, null where it is not set
   */
  device: string | null;
}
/**
 * what it has for a trial
 */
export interface Resources {
  /**
   * CPUs; as many threads are given to libraries such as BLAS.
   */
  cpus?: number;
  gpus?: number;
  /**
   * Others, by the name that agents give them.
   */
  custom?: {
    [k: string]: number;
  };
}
/**
 * How many agents are of use now, for whatever starts and stops them.
 */
export interface AgentsWanted {
  /**
   * trials that could start now, queued or not yet proposed
   */
  wanted: number;
  /**
   * agents that have trials now; they are not counted in `wanted`
   */
  busy: number;
  /**
   * `wanted` by what the trials need
   */
  slots: SlotsWanted[];
}
/**
 * How many agents with certain resources could train now.
 */
export interface SlotsWanted {
  resources: Resources1;
  wanted: number;
}
/**
 * CPUs, GPUs, and anything that whoever runs the agents has given a name and a number.
 *
 * A fraction is a share of one; what is more than one is whole, as in Ray.
 */
export interface Resources1 {
  /**
   * CPUs; as many threads are given to libraries such as BLAS.
   */
  cpus?: number;
  gpus?: number;
  /**
   * Others, by the name that agents give them.
   */
  custom?: {
    [k: string]: number;
  };
}
/**
 * Files of a trial.
 */
export interface ArtifactList {
  items: ArtifactRecord[];
}
/**
 * A file that a script attached to a trial; its bytes: /trials/{id}/artifacts/content?name=.
 */
export interface ArtifactRecord {
  name: string;
  attempt: number;
  digest: string;
  /**
   * bytes
   */
  size: number;
  created: string;
}
/**
 * A value that does not count: a person excluded its trial, or the trial breaks a constraint.
 */
export interface AsideResult {
  order: number;
  number: number;
  value: number;
  why: string;
}
/**
 * A trial handed to an agent.
 */
export interface Assignment {
  trial: string;
  attempt: number;
  number: number;
  params: {
    [k: string]: unknown;
  };
  seed: number;
  epochs?: number | null;
  stop?: StopTable | null;
  limits?: TrialLimits | null;
  resume?: Resume | null;
  change_log?: ChangeLog | null;
}
/**
 * The stopping rule of one trial: bounds the agent obeys without asking.
 */
export interface StopTable {
  checks?: [unknown, unknown][];
  patience?: number | null;
  warmup?: number;
  why?: string;
  last?: number | null;
}
/**
 * What a trial may take; `left` are the seconds that earlier attempts have not used.
 */
export interface TrialLimits {
  seconds?: number | null;
  left?: number | null;
  silent_seconds?: number | null;
  memory?: number | null;
}
/**
 * The checkpoint from which an attempt goes on.
 */
export interface Resume {
  checkpoint: number;
  digest: string;
  epoch?: number;
  branch?: number;
  position?: number;
  older?: OlderCheckpoint[];
  curve?: (number | null)[];
}
/**
 * A checkpoint to fall back on, when a newer one is damaged.
 */
export interface OlderCheckpoint {
  checkpoint: number;
  digest: string;
  epoch?: number;
  position?: number;
}
/**
 * The way to a state: changes to make again, in order, and where the server last saw the trial.
 */
export interface ChangeLog {
  changes?: LoggedChange[];
  step?: number;
  epoch?: number;
  branch?: number;
}
/**
 * Settings that were changed after so many mini-batches.
 */
export interface LoggedChange {
  step: number;
  settings: {
    [k: string]: unknown;
  };
}
/**
 * An attempt that did not end its trial, or ended it as failed.
 */
export interface Attempt {
  attempt: number;
  agent: string | null;
  epoch: number;
  started: string | null;
  ended: string;
  reason: string;
  log: string | null;
}
/**
 * Attempts that did not end their trial, or ended it as failed.
 */
export interface Attempts {
  items: Attempt[];
}
/**
 * Attributes of a trial.
 */
export interface AttributeList {
  items: AttributeRecord[];
}
/**
 * What a script noted of a trial.
 */
export interface AttributeRecord {
  key: string;
  value: JsonValue;
  changed: string;
}
/**
 * Attributes of a study, each as JSON.
 */
export interface Attributes {
  user?: {
    [k: string]: string;
  };
  system?: {
    [k: string]: string;
  };
}
/**
 * A column and the places along it.
 */
export interface Axis {
  name: string;
  /**
   * number or category
   */
  kind: string;
  /**
   * the range in training and dev set with a margin, or the texts of training
   */
  values: number[] | string[];
}
/**
 * The best trial of a search so far.
 */
export interface Best {
  trial: string;
  number: number;
  value: number;
  params: {
    [k: string]: unknown;
  };
}
/**
 * Part of a range, both ends included; an end left out is open.
 */
export interface Between {
  low?: number | null;
  high?: number | null;
}
/**
 * What a model answers over two columns, the others held.
 */
export interface Boundary {
  /**
   * binary, multiclass or regression
   */
  kind: string;
  classes: string[];
  targets: string[];
  /**
   * of a regression: the one that `answers` are of
   */
  target: string | null;
  x: Axis;
  y: Axis;
  /**
   * a row for each place of y: class numbers, or values in the target's own units
   */
  answers: number[][];
  /**
   * of the class that is answered
   */
  probabilities: number[][] | null;
  /**
   * of the second of two classes
   */
  threshold: number | null;
  /**
   * the model has no other columns
   */
  exact: boolean;
  row: number | null;
  /**
   * the other columns, 1000 at most
   */
  held: Held[];
  /**
   * to choose from, 1000 at most
   */
  columns: string[];
  more_columns: number;
  points: PointsOutput;
}
/**
 * A column that stands still, and at what.
 */
export interface Held {
  name: string;
  value: number | string | null;
}
/**
 * Rows of the dev set: place, truth, and the answer to the whole row.
 */
export interface PointsOutput {
  /**
   * in its file, from 1
   */
  row: number[];
  x: (number | string | null)[];
  y: (number | string | null)[];
  /**
   * class numbers, or values
   */
  truth: number[];
  answer: number[];
  /**
   * rows of the dev set; these are evenly spaced among them
   */
  total: number;
}
/**
 * A line of the trial's history.
 */
export interface BranchRecord {
  branch: number;
  parent: number | null;
  from_epoch: number;
  changes: {
    [k: string]: unknown;
  }[];
}
/**
 * How much may be spent; the first one used up ends the search.
 */
export interface Budget {
  /**
   * Trials at most. Always needed: strategies plan by it.
   */
  trials: number;
  /**
   * Seconds from the first trial on, pauses left out. Such a search cannot be repeated.
   */
  seconds?: number | null;
  /**
   * Epochs of all trials together.
   */
  epochs?: number | null;
  /**
   * A value of the objective that is good enough.
   */
  target?: number | null;
  /**
   * Trials in a row without a better value.
   */
  stale?: number | null;
  /**
   * What happens to trials in training at that moment: they finish, or stop there.
   */
  at_end?: "finish" | "stop";
}
/**
 * A tag: its share of the error, and what mending it would bring at most.
 */
export interface Cause {
  tag: string;
  /**
   * that have it, right answers among them
   */
  rows: number;
  wrong: number | null;
  /**
   * of the error: of wrong answers, or of the sum of losses
   */
  share: number;
  /**
   * the error if all its rows were answered perfectly
   */
  ceiling: number;
  /**
   * the share among rows that have any tag
   */
  share_of_examined: number | null;
  /**
   * the error if that share were mended in all rows
   */
  projected: number | null;
}
/**
 * The table of an error analysis.
 */
export interface Causes {
  error: number;
  wrong: number | null;
  /**
   * rows with any tag: wrong ones; of a regression all
   */
  examined: number;
  causes: Cause[];
}
/**
 * What a script says of one of its trials: added to what is known.
 */
export interface Change {
  state?: ("RUNNING" | "WAITING" | "COMPLETE" | "PRUNED" | "FAIL") | null;
  values?: (number | ("inf" | "-inf" | "nan"))[] | null;
  /**
   * By name: the value as Optuna codes it, its distribution as JSON.
   */
  params?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [unknown, unknown];
  };
  /**
   * Attributes, each as JSON.
   */
  user?: {
    [k: string]: string;
  };
  /**
   * Optuna's attributes, each as JSON.
   */
  system?: {
    [k: string]: string;
  };
  /**
   * Intermediate values.
   */
  steps?: {
    [k: string]: number | "inf" | "-inf" | "nan";
  };
  started?: number | null;
  ended?: number | null;
  number: number;
  /**
   * Of this change: repeated, it does nothing.
   */
  key: string;
  /**
   * A heartbeat.
   */
  alive?: boolean;
}
/**
 * Changes of trials.
 */
export interface Changes {
  /**
   * @minItems 1
   * @maxItems 5000
   */
  changes: [Change, ...Change[]];
}
/**
 * One thing that must hold, and why it does not, or for how long it will.
 */
export interface Check {
  ok: boolean;
  detail?: string;
}
/**
 * Checkpoints of a trial.
 */
export interface CheckpointList {
  items: CheckpointRecord[];
}
/**
 * A checkpoint or a model.
 */
export interface CheckpointRecord {
  id: number;
  attempt: number;
  branch: number;
  epoch: number;
  step: number;
  position: number;
  /**
   * schedule, command, end or model
   */
  kind: string;
  digest: string;
  /**
   * bytes
   */
  size: number;
  created: string;
}
/**
 * One of several values; ordered says that neighbours in the list resemble each other.
 */
export interface Choice {
  /**
   * Active only where all of these hold.
   */
  when?: {
    [k: string]: Between | boolean | number | string | unknown[] | null;
  } | null;
  /**
   * One value for each of this number, or of this parameter's value.
   */
  each?: string | number | null;
  choices: (boolean | number | string | unknown[] | null)[];
  ordered?: boolean;
}
/**
 * A class and how many rows have it.
 */
export interface ClassCount {
  name: string;
  count: number;
}
/**
 * Covariance matrix adaptation, by the package `cmaes`.
 */
export interface Cmaes {
  name?: "cmaes";
  /**
   * Random trials before the adaptation begins.
   */
  startup?: number;
}
/**
 * Rounds of boxes, each around the good points of the one before.
 */
export interface CoarseToFine {
  name?: "coarse_to_fine";
  /**
   * Default: by the budget.
   */
  rounds?: number | null;
  /**
   * Coarse in time too: epochs of the first trials, of later ones, of the last.
   */
  epochs_per_round?: number[] | null;
  /**
   * A search keeps the one it began with; 1 never tries a point again.
   */
  version?: 1 | 2;
}
/**
 * One column: a number with its range, or a category with its levels.
 */
export interface Column {
  name: string;
  kind: "number" | "category";
  missing: number;
  low: number | null;
  high: number | null;
  mean: number | null;
  levels: number | null;
  /**
   * values that differ; null: not counted
   */
  different: number | null;
  /**
   * rows with the most frequent value
   */
  most: number | null;
}
/**
 * A command and what became of it.
 */
export interface Command {
  id: number;
  trial: string;
  kind: string;
  arguments: {
    [k: string]: unknown;
  };
  when: When;
  /**
   * waiting, applied or refused
   */
  state: string;
  branch: number | null;
  /**
   * mini-batches done when it took effect
   */
  step: number | null;
  /**
   * epochs ended when it took effect
   */
  epoch: number | null;
  before: {
    [k: string]: unknown;
  } | null;
  after: {
    [k: string]: unknown;
  } | null;
  reason: string | null;
  created: string;
  answered: string | null;
}
/**
 * The moment at which a command takes effect.
 */
export interface When {
  /**
   * now, epoch_end, epoch:30 or no_improvement:5
   */
  at?: string;
  /**
   * what to do when the epoch it names has passed
   */
  late?: "refuse" | "apply";
}
/**
 * Commands of a trial, oldest first.
 */
export interface CommandList {
  items: Command[];
  /**
   * number of the newest command; the ETag for If-Match
   */
  version: number;
}
/**
 * A command for a trial in hand; sent again until it is acknowledged.
 */
export interface CommandOrder {
  id: number;
  trial: string;
  attempt: number;
  kind: string;
  arguments?: {
    [k: string]: unknown;
  };
  when?: {
    [k: string]: unknown;
  };
}
/**
 * One thing asked of a trial.
 */
export interface CommandRequest {
  /**
   * set, pause, resume, checkpoint, rewind, fork, extend, stop or note
   */
  kind: string;
  arguments?: {
    [k: string]: JsonValue;
  };
  when?: When;
}
/**
 * Commands that are taken together or not at all.
 */
export interface Commands {
  /**
   * @maxItems 1000
   */
  commands: CommandRequest[];
}
/**
 * How often one class was taken for another.
 */
export interface Confused {
  actual: string;
  predicted: string;
  count: number;
}
/**
 * What a metric may be at most or at least.
 */
export interface Constraint {
  max?: number | null;
  min?: number | null;
}
/**
 * Data with corrected labels, and the search on them.
 */
export interface Corrected {
  dataset: DatasetInfo;
  /**
   * the search of the trial on these data, ready to be submitted
   */
  search: {
    [k: string]: unknown;
  };
}
/**
 * A data set as the server knows it. Those that come with the trainer have their name as id.
 */
export interface DatasetInfo {
  id: number | string;
  name: string;
  builtin: boolean;
  kind: string;
  digest: string | null;
  size: number | null;
  created: string | null;
  rows: number;
  columns: number;
  missing: number;
  features: Column[];
  target: TargetInfo | null;
  image_shape: number[] | null;
  notes: NoteInfo[];
  options: {
    [k: string]: unknown;
  };
  version: Version | null;
}
/**
 * What is to be predicted, or why this target will not do.
 */
export interface TargetInfo {
  names: string[];
  task: string | null;
  classes: ClassCount[] | null;
  ranges:
    | {
        [k: string]: number | null;
      }[]
    | null;
  problem: string | null;
}
/**
 * What a person should know of how the file is read: a column left out or changed, or a doubt.
 */
export interface NoteInfo {
  kind: "left out" | "changed" | "doubtful";
  column: string;
  message: string;
  remedy: string;
}
/**
 * Where a data set with corrected labels comes from.
 */
export interface Version {
  /**
   * the data set whose labels were corrected
   */
  of: string;
  /**
   * who made the version
   */
  by: string;
  /**
   * whose errors were looked at
   */
  trial: string;
  /**
   * empty in a list of data sets
   */
  corrections: Correction[];
}
/**
 * A label that was corrected.
 */
export interface Correction {
  /**
   * in the file, from 1
   */
  row: number;
  old: string;
  new: string;
  who: string;
  when: string;
}
/**
 * Costs of mini-batches of the newest branch.
 */
export interface Costs {
  step: number[];
  cost: (number | null)[];
}
/**
 * Trials by state.
 */
export interface Counts {
  queued: number;
  running: number;
  paused: number;
  completed: number;
  stopped: number;
  diverged: number;
  failed: number;
  cancelled: number;
}
/**
 * Ended trials as columns, in order of completion.
 */
export interface CourseOfSearch {
  /**
   * trials ended, those left out included
   */
  total: number;
  /**
   * place in order of completion, from 1
   */
  order: number[];
  number: number[];
  value: (number | null)[];
  /**
   * best value so far
   */
  best: (number | null)[];
  ended: string[];
  /**
   * values that do not count
   */
  aside: AsideResult[];
}
/**
 * The learning curve of a trial, by branch.
 */
export interface Curve {
  columns: string[];
  branches: CurveBranch[];
  /**
   * epochs of all branches, those left out included
   */
  total: number;
  costs: Costs;
}
/**
 * One branch of a trial: a list for each metric, beside its epochs.
 */
export interface CurveBranch {
  branch: number;
  parent: number | null;
  /**
   * last epoch that it shares with its parent
   */
  from_epoch: number | null;
  epoch: number[];
  [k: string]: (number | null)[] | number | null | number[];
}
/**
 * Curves of the best trials, best first, and of an even spread of the others.
 */
export interface CurveList {
  metric: string;
  items: TrialCurve[];
  /**
   * trials of the search, those left out included
   */
  total: number;
}
/**
 * One metric of the newest branch of a trial.
 */
export interface TrialCurve {
  trial: string;
  number: number;
  state: string;
  leading: boolean;
  epoch: number[];
  values: (number | null)[];
}
/**
 * All data sets, the built-in ones first.
 */
export interface DatasetList {
  items: DatasetInfo[];
}
/**
 * One thing that somebody did.
 */
export interface Deed {
  id: number;
  created: string;
  /**
   * name of the token or user; null: the server itself, or not recorded
   */
  who: string | null;
  what:
    | "submit"
    | "edit"
    | "pause"
    | "resume"
    | "cancel"
    | "archive"
    | "unarchive"
    | "delete"
    | "enqueue"
    | "rerun"
    | "command"
    | "withdraw"
    | "exclude"
    | "include"
    | "test"
    | "verify"
    | "tag rows"
    | "retest"
    | "schedule retests"
    | "unschedule retests"
    | "upload data set"
    | "delete data set"
    | "trust agent"
    | "create token"
    | "revoke token"
    | "create link"
    | "revoke link"
    | "create webhook"
    | "remove webhook";
  /**
   * it may be deleted since
   */
  search: number | null;
  trial: string | null;
  /**
   * the data set, token, agent, link or webhook; the kind of a command; a verdict of verify
   */
  subject: string | null;
  before: {
    [k: string]: unknown;
  } | null;
  after: {
    [k: string]: unknown;
  } | null;
}
/**
 * What people did, the newest first.
 */
export interface Deeds {
  items: Deed[];
  next: string | null;
}
/**
 * What a script says of a trial; of a new one, all there is.
 */
export interface Description {
  state?: ("RUNNING" | "WAITING" | "COMPLETE" | "PRUNED" | "FAIL") | null;
  values?: (number | ("inf" | "-inf" | "nan"))[] | null;
  /**
   * By name: the value as Optuna codes it, its distribution as JSON.
   */
  params?: {
    /**
     * @minItems 2
     * @maxItems 2
     */
    [k: string]: [unknown, unknown];
  };
  /**
   * Attributes, each as JSON.
   */
  user?: {
    [k: string]: string;
  };
  /**
   * Optuna's attributes, each as JSON.
   */
  system?: {
    [k: string]: string;
  };
  /**
   * Intermediate values.
   */
  steps?: {
    [k: string]: number | "inf" | "-inf" | "nan";
  };
  started?: number | null;
  ended?: number | null;
}
/**
 * Bias, variance and mismatch of a trial, and the recipe's next steps.
 */
export interface DiagnosisRecord {
  /**
   * null: of a regression for which nobody gave one
   */
  base_error: number | null;
  train_error: number;
  dev_error: number;
  train_dev_error: number | null;
  /**
   * train error - base error; null without one
   */
  avoidable_bias: number | null;
  /**
   * dev error - train error, or train-dev error - train error
   */
  variance: number;
  /**
   * dev error - train-dev error, with a train-dev slice
   */
  mismatch: number | null;
  /**
   * bias, variance, variance_or_mismatch (with a dev set of another source and no train-dev slice), mismatch: those that are high, in the order of treatment
   */
  problems: string[];
  /**
   * a gap above it is high
   */
  threshold: number;
  summary: string;
  /**
   * two standard errors of the dev error, where known
   */
  uncertainty: number | null;
  steps: StepRecord[];
  /**
   * ready to be submitted; null: no search can help
   */
  next_search: {
    [k: string]: unknown;
  } | null;
}
/**
 * One thing to try.
 */
export interface StepRecord {
  /**
   * bigger_network, train_longer, more_data, regularise, ...
   */
  name: string;
  text: string;
  /**
   * the next search does it
   */
  in_search: boolean;
}
/**
 * A trial the agent must let go of, and report no more.
 */
export interface Drop {
  trial: string;
  attempt: number;
  why?: string;
}
/**
 * A change of a search by a person.
 */
export interface Edit {
  version: number;
  created: string;
  /**
   * trials there were by then
   */
  proposed: number;
  before: {
    [k: string]: unknown;
  };
  after: {
    [k: string]: unknown;
  };
}
/**
 * Changes of a search by people, oldest first.
 */
export interface EditList {
  items: Edit[];
}
/**
 * What ended a search, or ends it now.
 */
export interface EndedBy {
  budget: "trials" | "seconds" | "epochs" | "target" | "stale";
  text: string;
  /**
   * the trial that decided, where one did
   */
  trial: string | null;
}
/**
 * Results of an earlier search, as they were when the new one was submitted.
 */
export interface Evidence {
  search: number;
  /**
   * By parameter, an entry per result.
   */
  params: {
    [k: string]: JsonValue[];
  };
  /**
   * Lower is better; null is worse than every number.
   */
  values: (number | null)[];
}
/**
 * Reports, heartbeats and the wish for work, in one message.
 */
export interface ExchangeRequest {
  agent: Agent;
  sequence?: number;
  leaving?: boolean;
  ended?: AgentEnd | null;
  training?: InTraining | null;
  want?: number;
  /**
   * @maxItems 10000
   */
  known?: number[];
  /**
   * @maxItems 10000
   */
  holding?: [unknown, unknown][];
  /**
   * @maxItems 10000
   */
  reports?: Report[];
}
/**
 * News of one attempt at one trial.
 */
export interface Report {
  trial: string;
  attempt: number;
  branch?: number;
  first?: number;
  replace_from?: number | null;
  /**
   * @maxItems 10000
   */
  columns?: string[];
  rows?: (number | null)[][];
  costs?: [unknown, unknown][];
  acknowledged?: Acknowledgement[];
  state?: ("running" | "paused" | "released") | null;
  age?: number | null;
  result?: Result | null;
}
/**
 * How a trial ended.
 */
export interface Result {
  state: "completed" | "stopped" | "diverged" | "failed" | "cancelled";
  metrics?: {
    [k: string]: number | null;
  };
  epoch?: number;
  reason?: string | null;
  log?: string | null;
}
/**
 * What the server answers.
 */
export interface ExchangeResponse {
  lease: number;
  interval: number;
  database?: string | null;
  revision?: number;
  searches?: {
    [k: string]: SearchSettings;
  };
  trials?: Assignment[];
  commands?: CommandOrder[];
  drop?: Drop[];
}
/**
 * What an agent needs to know of a search, sent once.
 */
export interface SearchSettings {
  name: string;
  trainer: string;
  dataset: {
    [k: string]: unknown;
  };
  settings: {
    [k: string]: unknown;
  };
  objective: {
    [k: string]: unknown;
  };
  metrics?: string[];
  mode: string;
  threads?: number;
  continued_below?: number | null;
  population?: boolean;
}
/**
 * Why a result is wrong.
 */
export interface Exclusion {
  reason: string;
}
/**
 * A reason for which trials failed, and how many of them.
 */
export interface Failure {
  reason: string;
  count: number;
}
/**
 * A column of which cells lie far from what the model was trained on.
 */
export interface FarColumn {
  column: string;
  /**
   * outside the range of training, an unseen text, or missing as never there
   */
  kind: string;
  /**
   * that have such a cell
   */
  rows: number;
  /**
   * the worst of them, from 1; of texts and gaps the first
   */
  row: number;
  /**
   * its cell
   */
  value: number | string | null;
  /**
   * of training, as the next one
   */
  low: number | null;
  high: number | null;
  text: string;
}
/**
 * Something that a reader of the results must know, and what to do about it.
 */
export interface FindingRecord {
  kind: "trivial" | "one_class" | "never_predicted" | "ties" | "edge" | "chance" | "diverged" | "failed" | "idle";
  level: "warning" | "note";
  message: string;
  remedy: string;
  /**
   * whose range is meant
   */
  parameter: string | null;
}
/**
 * One value for every trial.
 */
export interface Fixed {
  /**
   * Active only where all of these hold.
   */
  when?: {
    [k: string]: Between | boolean | number | string | unknown[] | null;
  } | null;
  /**
   * One value for each of this number, or of this parameter's value.
   */
  each?: string | number | null;
  value: boolean | number | string | unknown[] | null;
}
/**
 * The Pareto front of a search, its best in the first objective first, and all trials behind it.
 */
export interface Front {
  objectives: ObjectiveOfFront[];
  items: TrialOfFront[];
  /**
   * trials with a value, by number
   */
  number: number[];
  /**
   * their values, one list per objective
   */
  values: (number | null)[][];
  /**
   * of the trials up to and including each of these
   */
  hypervolume: number[];
  /**
   * why there is no front
   */
  reason: string | null;
}
/**
 * One of several objectives; anything worse than its reference adds nothing to the hypervolume.
 */
export interface ObjectiveOfFront {
  metric: string;
  direction: string;
  reference: number | null;
}
/**
 * A trial that no other one beats in all objectives.
 */
export interface TrialOfFront {
  trial: string;
  number: number;
  /**
   * in the order of the objectives
   */
  values: number[];
  params: {
    [k: string]: unknown;
  };
}
/**
 * Gaussian process, by Optuna.
 */
export interface Gp {
  name?: "gp";
  /**
   * Random trials before the process begins.
   */
  startup?: number;
}
/**
 * Every combination of a few values per axis; for comparison.
 */
export interface Grid {
  name?: "grid";
}
/**
 * Successive halving with several first rungs, in turn.
 */
export interface Hyperband {
  name?: "hyperband";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * One of so many goes on.
   */
  factor?: number;
  /**
   * Epoch of the lowest rung; default: epochs // factor^3, at least 1.
   */
  first?: number | null;
}
/**
 * How much each parameter matters, the most important first.
 */
export interface Importance {
  items: ParameterImportance[];
  /**
   * trials with a value that it was told from
   */
  trials: number;
  /**
   * why there are no shares
   */
  reason: string | null;
}
/**
 * How much a parameter matters.
 */
export interface ParameterImportance {
  parameter: string;
  /**
   * its share; all together are 1
   */
  importance: number;
}
/**
 * A project, a tag or an owner.
 */
export interface Label {
  name: string;
  searches: number;
}
/**
 * The projects, tags and owners of the searches that are not archived, by name.
 */
export interface LabelLists {
  projects: Label[];
  tags: Label[];
  owners: Label[];
}
/**
 * Stop a trial that, by the curves of those before it, has no hope of becoming the best.
 */
export interface LearningCurve {
  name?: "learning_curve";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * Chance of ending a trial that would become the best.
   */
  risk?: number;
  /**
   * Trials that ran to their end before any is ended.
   */
  least?: number;
}
/**
 * A trial that exceeds one of these fails, with the reason; its agent goes on.
 */
export interface Limits {
  /**
   * Seconds of one trial in all attempts, loading included.
   */
  seconds?: number | null;
  /**
   * Seconds without a finished epoch.
   */
  silent_seconds?: number | null;
  /**
   * Bytes of memory that its process may hold, or a text such as 2 GiB.
   */
  memory?: number | string | null;
}
/**
 * A link without its text.
 */
export interface Link {
  id: string;
  search: number;
  /**
   * made it
   */
  who: string | null;
  created: string;
  expires: string;
}
/**
 * The links of a search that work, oldest first.
 */
export interface Links {
  items: Link[];
}
/**
 * What a branch of a trial follows from, bit for bit.
 */
export interface Log {
  trial: string;
  branch: number;
  /**
   * whether the trial is on this branch now
   */
  current: boolean;
  state: string;
  trainer: string;
  dataset: {
    [k: string]: unknown;
  };
  /**
   * at the beginning
   */
  settings: {
    [k: string]: unknown;
  };
  seed: number;
  /**
   * step, epoch and settings, in order
   */
  changes: {
    [k: string]: unknown;
  }[];
  /**
   * how far it has come
   */
  epoch: number;
  /**
   * the last step of a trial that has ended
   */
  end: number | null;
  /**
   * whether a person ended it, which keeps the best weights
   */
  stopped: boolean;
  /**
   * whose model is kept, with `objective.value: best`
   */
  kept_epoch: number | null;
  /**
   * states of this branch to compare with
   */
  checkpoints: {
    [k: string]: unknown;
  }[];
}
/**
 * A look at a test set.
 */
export interface Look {
  trial: string;
  /**
   * look at this test set, by any trial of any search
   */
  nth: number;
  /**
   * its fingerprint: equal for the same source and split
   */
  test_set: string;
  created: string;
  /**
   * the name of the token
   */
  who: string;
  why: string | null;
  /**
   * of the test set
   */
  rows: number;
  /**
   * trials that the winner was chosen from, when it was tested
   */
  compared: number;
  /**
   * first the one that the search was judged by
   */
  metrics: TestedMetric[];
  /**
   * the first metric against the dev set; worse and better mean by more than chance
   */
  verdict: "agrees" | "worse" | "better";
  /**
   * the same in sentences
   */
  text: string[];
  /**
   * of a second look and later ones
   */
  warning: string | null;
}
/**
 * A measure on the test set, with its 95 % interval, beside the dev set.
 */
export interface TestedMetric {
  name: string;
  direction: "minimize" | "maximize";
  value: number;
  /**
   * of the 95 % interval: Wilson's for a share, else of a bootstrap
   */
  low: number;
  high: number;
  /**
   * the same measure on the dev set
   */
  dev: number;
}
/**
 * Looks at test sets, oldest first.
 */
export interface Looks {
  items: Look[];
}
/**
 * The cost over the first two principal components of a trial's weights.
 */
export interface LossPlane {
  trial: string;
  branch: number;
  /**
   * of the path: trained again, or checkpoints
   */
  source: string;
  /**
   * learned numbers of the network
   */
  parameters: number;
  /**
   * of the training set that the cost is of, evenly spaced
   */
  rows: number;
  /**
   * of the training set
   */
  of_rows: number;
  /**
   * whether it normalises by these rows' own mean and variance
   */
  batch_norm: boolean;
  /**
   * share of the path's variance along x and along y
   */
  explained: number[];
  /**
   * distance of the weights from the last ones
   */
  x: number[];
  y: number[];
  /**
   * a row for each place of y; without dropout and regulariser; null: not finite
   */
  costs: (number | null)[][];
  path: Path;
}
/**
 * The states of a training: where they are in the plane, and what each costs off it.
 */
export interface Path {
  step: number[];
  epoch: number[];
  x: number[];
  y: number[];
  cost: (number | null)[];
}
/**
 * A link with its address, which is shown this once.
 */
export interface MadeLink {
  id: string;
  search: number;
  /**
   * made it
   */
  who: string | null;
  created: string;
  expires: string;
  /**
   * on this server; what stands behind # opens the search
   */
  path: string;
}
/**
 * A token with its text, which is shown this once.
 */
export interface MadeToken {
  id: string;
  name: string;
  scope: string;
  created: string;
  token: string;
}
/**
 * A webhook with the secret that its messages are signed with, which is shown this once.
 */
export interface MadeWebhook {
  id: string;
  host: string;
  style: string;
  events: string[];
  project: string | null;
  /**
   * made it
   */
  who: string | null;
  created: string;
  /**
   * when a message last arrived
   */
  sent: string | null;
  /**
   * why the last try did not arrive
   */
  problem: string | null;
  secret: string;
}
/**
 * The mean of a trial's last epochs.
 */
export interface MeanOfLast {
  mean_of_last: number;
}
/**
 * Stop below the median of the others at the same epoch.
 */
export interface Median {
  name?: "median";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * Epochs between checks.
   */
  interval?: number;
  /**
   * Curves needed for a comparison.
   */
  least?: number;
}
/**
 * A column that is distributed otherwise than in training, all rows taken together.
 */
export interface MovedColumn {
  column: string;
  /**
   * that rows like those of training differ so much; corrected by Holm
   */
  chance: number;
  /**
   * what moved most
   */
  what: string;
  text: string;
}
/**
 * A column that was compared.
 */
export interface MovedPart {
  name: string;
  /**
   * corrected by Holm for the number of columns
   */
  p: number;
  what: string;
}
/**
 * How long a link is to work.
 */
export interface NewLink {
  seconds?: number;
}
/**
 * Why somebody looks at the test set.
 */
export interface NewLook {
  why?: string | null;
}
/**
 * What to re-test, and how often.
 */
export interface NewRetest {
  /**
   * newer data: a data set's name, the beginning of one and * for the newest of these, or a dataset object; what the search says of target, split and so on holds. null: the same data
   */
  data?:
    | string
    | {
        [k: string]: JsonValue;
      }
    | null;
  /**
   * winners that are trained again
   */
  leaders?: number;
  /**
   * trainings of each, on each data
   */
  seeds?: number;
  /**
   * trials of a fresh search on the newer data; 0: none
   */
  fresh?: number;
  /**
   * seconds after which to re-test it again; null: once
   */
  every?: number | null;
}
/**
 * Rows to predict on.
 */
export interface NewRows {
  /**
   * columns by name, null where a cell is missing; or the numbers of each row in the order of training, as for images
   */
  rows:
    | {
        [k: string]: boolean | number | string | null;
      }[]
    | (number | null)[][];
}
/**
 * A study as Optuna makes one.
 */
export interface NewStudy {
  name: string;
  /**
   * @minItems 1
   * @maxItems 1000
   */
  directions: ["minimize" | "maximize", ...("minimize" | "maximize")[]];
  key: string;
}
/**
 * All that is said of a row; what is not repeated is taken away.
 */
export interface NewTags {
  /**
   * @maxItems 50
   */
  tags?: string[];
  /**
   * the right one, where the label is wrong
   */
  label?: string | null;
}
/**
 * What a token is to be called and to do.
 */
export interface NewToken {
  name: string;
  scope: "read" | "submit" | "steer" | "admin" | "agent";
}
/**
 * Trials to add; null: one that begins to run now.
 */
export interface NewTrials {
  /**
   * @minItems 1
   * @maxItems 5000
   */
  trials: [Description | null, ...(Description | null)[]];
  key: string;
  /**
   * An earlier call with this key was not answered.
   */
  again?: boolean;
  /**
   * The revision of the last reading.
   */
  after?: number;
}
/**
 * What a verification came to, as whoever ran it tells.
 */
export interface NewVerification {
  verdict: "passed" | "passed in part" | "failed";
  trials: number;
  proposed_again: number;
  trained_again: number;
  differs: number;
  not_provable: number;
  last_link: string;
}
/**
 * How to call the data with corrected labels.
 */
export interface NewVersion {
  name: string;
  part?: "dev" | "train_dev";
}
/**
 * Whom to tell of what.
 */
export interface NewWebhook {
  /**
   * https://... or http://...; where messages are posted
   */
  url: string;
  /**
   * slack: a text, as Slack and its like take it
   */
  style?: "json" | "slack";
  /**
   * of which it is told
   *
   * @minItems 1
   */
  events?: ["ended" | "paused" | "failed" | "best" | "drift", ...("ended" | "paused" | "failed" | "best" | "drift")[]];
  /**
   * of whose searches; null: of all
   */
  project?: string | null;
}
/**
 * One thing to do now.
 */
export interface NextStepRecord {
  kind: "widen" | "next_search" | "retrain" | "test";
  text: string;
  /**
   * next_search: the diagnosis of this trial has it ready to submit
   */
  trial: string | null;
}
/**
 * Every trial runs to its end.
 */
export interface NoStopping {
  name?: "none";
}
/**
 * Genetic algorithm for several objectives, by Optuna.
 */
export interface Nsga2 {
  name?: "nsga2";
  /**
   * Trials per generation.
   */
  population?: number;
}
/**
 * Numbers of trials.
 */
export interface Numbers {
  /**
   * @maxItems 5000
   */
  numbers: number[];
}
/**
 * What is to be made small or large.
 */
export interface Objective {
  metric?: string;
  direction?: "minimize" | "maximize";
  /**
   * How a trial's value follows from its curve; default: the last epoch. With best the model of the best epoch is kept.
   */
  value?: ("last" | "best") | MeanOfLast | null;
  /**
   * With several objectives: where the hypervolume begins; default: from the results.
   */
  reference?: number | null;
}
/**
 * Where a trial's point came from.
 */
export interface Origin {
  /**
   * what proposed its point
   */
  kind: string;
  /**
   * of coarse to fine
   */
  round: number | null;
  /**
   * the trial it was made from
   */
  parent: string | null;
  /**
   * the proposal's reason in words
   */
  why: string | null;
}
/**
 * What became of each change.
 */
export interface Outcomes {
  outcomes: ("done" | "kept" | "finished" | "missing")[];
}
/**
 * How good the best is, and what further trials may add, as if all were drawn at random.
 */
export interface Outlook {
  trials: number;
  left: number;
  /**
   * the best is in the best such share of the space ...
   */
  share: number;
  /**
   * ... with this probability
   */
  confidence: number;
  /**
   * that one of the trials left is better than the best so far
   */
  probability: number;
  /**
   * expected, in units of the objective
   */
  improvement: number;
  text: string;
}
/**
 * A search as it was read, nothing checked.
 */
export interface ParsedSearch {
  spec: unknown;
}
/**
 * Stop a trial that has not improved on itself for some epochs.
 */
export interface Patience {
  name?: "patience";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * Epochs without improvement.
   */
  epochs?: number;
}
/**
 * Where the winner's value of a parameter lies in its range.
 */
export interface PlaceRecord {
  parameter: string;
  value: unknown;
  /**
   * of the second best trial
   */
  second: unknown;
  low: number | null;
  high: number | null;
  /**
   * from 0, the low end, to 1 on the parameter's own scale
   */
  at: number | null;
  /**
   * the end of the range where it lies
   */
  edge: ("low" | "high") | null;
}
/**
 * Points to be trained before the next proposals.
 */
export interface PointsInput {
  /**
   * @maxItems 10000
   */
  points: {
    [k: string]: JsonValue;
  }[];
}
/**
 * A fleet that trains in turns: the weak copy the strong and vary their settings.
 */
export interface Population {
  name?: "population";
  /**
   * Trainings that go on side by side.
   */
  members?: number;
  /**
   * Epochs between two comparisons; a trial is one turn of a member.
   */
  epochs_per_turn?: number;
  /**
   * Share of the members that copy one of as many of the best.
   */
  share?: number;
  /**
   * How a copy's settings vary: times 1.2 or 0.8, or by a model of what turns gain (PB2).
   */
  explore?: "perturb" | "model";
  /**
   * Parameters that a copy varies; the others stay what a member began with. Default: those that the trainer can change in a running trial.
   */
  vary?: string[] | null;
}
/**
 * The turns of a population as columns, by number.
 */
export interface PopulationTurns {
  /**
   * why there is no population
   */
  reason: string | null;
  members: number;
  epochs_per_turn: number;
  /**
   * parameters that copies vary
   */
  vary: string[];
  /**
   * the best trial
   */
  best: number | null;
  /**
   * the trials that led to it, the first one first
   */
  lineage: number[];
  number: number[];
  member: number[];
  /**
   * from 0
   */
  turn: number[];
  /**
   * the trial each goes on from; another member's: a copy
   */
  parent: (number | null)[];
  /**
   * the epoch after which each begins
   */
  begun: number[];
  /**
   * how far each has come
   */
  epoch: number[];
  state: string[];
  value: (number | null)[];
  /**
   * of the parameters that vary
   */
  params: {
    [k: string]: JsonValue[];
  };
}
/**
 * What a model says about each row.
 */
export interface Predicted {
  /**
   * binary, multiclass or regression
   */
  kind: string;
  classes: string[] | null;
  /**
   * the class of each row, by the model's threshold
   */
  labels: string[] | null;
  /**
   * of each row, in the order of classes
   */
  probabilities: number[][] | null;
  targets: string[] | null;
  /**
   * of each row, in the order of targets and in their units
   */
  values: number[][] | null;
  /**
   * what lies far from training; null: the model was stored without what tells it
   */
  far: FarColumn[] | null;
  /**
   * what moved as a whole; null for less than 30 rows, too
   */
  moved: MovedColumn[] | null;
}
/**
 * What a model gets right and wrong.
 */
export interface Predictions {
  /**
   * binary, multiclass or regression
   */
  kind: string;
  /**
   * dev
   */
  part: string;
  rows: number;
  /**
   * as in training: a share, or in standard deviations of the target
   */
  error: number;
  classes: string[] | null;
  /**
   * actual down, predicted across; null: over 50 classes
   */
  matrix: number[][] | null;
  /**
   * the pairs most often confused
   */
  confused: Confused[] | null;
  targets: Residuals[] | null;
}
/**
 * A target of a regression: measures over all rows, and points in the user's own units.
 */
export interface Residuals {
  name: string;
  mean_absolute_error: number;
  root_mean_squared_error: number;
  r2: number | null;
  /**
   * of many rows the worst and an even spread; 0 is the first of the part
   */
  row: number[];
  actual: number[];
  predicted: number[];
}
/**
 * The first rows, the target last.
 */
export interface Preview {
  columns: string[];
  rows: (number | string | null)[][];
}
/**
 * An error, as RFC 9457 has it.
 */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: ProblemField[];
}
/**
 * One thing wrong in a request.
 */
export interface ProblemField {
  field: string;
  message: string;
  remedy: string;
  fixes?: {
    [k: string]: unknown;
  }[];
}
/**
 * End a trial with folds once the first ones show that it cannot be the best.
 */
export interface Race {
  name?: "race";
  /**
   * Chance per fold of ending a trial that is as good as the leader.
   */
  chance?: number;
  /**
   * Trials through all folds before any is compared.
   */
  least?: number;
}
/**
 * Every point by itself, uniform on the scales.
 */
export interface Random {
  name?: "random";
}
/**
 * Numbers from low to high on a scale.
 */
export interface Range {
  /**
   * Active only where all of these hold.
   */
  when?: {
    [k: string]: Between | boolean | number | string | unknown[] | null;
  } | null;
  /**
   * One value for each of this number, or of this parameter's value.
   */
  each?: string | number | null;
  scale?: "linear" | "log" | "one_minus_log";
  type?: "float" | "int";
  low: number;
  high: number;
  /**
   * Only low, low + step, low + 2 step, ...
   */
  step?: number | null;
  /**
   * Exactly zero with this probability.
   */
  zero?: number | null;
}
/**
 * Whether this server can take work, and what each check said.
 */
export interface Readiness {
  ready: boolean;
  checks: {
    [k: string]: Check;
  };
}
/**
 * Train the leaders again with fresh seeds before a winner is named, so that luck does not name it.
 */
export interface Reevaluate {
  leaders?: number;
  /**
   * Further trainings of each leader.
   */
  seeds?: number;
}
/**
 * A re-test of a search.
 */
export interface Retest {
  id: number;
  search: number;
  nth: number;
  created: string;
  who: string | null;
  /**
   * null: the same data
   */
  data: {
    [k: string]: unknown;
  } | null;
  seeds: number;
  state: "running" | "ended" | "failed";
  ended: string | null;
  /**
   * it has failed: something moved, or the error is worse
   */
  drifted: boolean | null;
  /**
   * the search that trains the winners on the earlier data
   */
  baseline: number;
  /**
   * the one on the newer data
   */
  again: number;
  /**
   * the fresh search
   */
  fresh: number | null;
  /**
   * why it came to nothing
   */
  problem: string | null;
  report: RetestReport | null;
}
/**
 * What a re-test has found.
 */
export interface RetestReport {
  same_data: boolean;
  /**
   * why it has drifted, the main one first
   */
  reasons: ("columns" | "target" | "relation" | "error")[];
  /**
   * p of the families columns, target, model (the earlier one, on newer rows) and error (trained again), corrected for all of them
   */
  chances: {
    [k: string]: number;
  };
  winners: RetestedWinner[];
  /**
   * the clearest first
   */
  columns: MovedPart[];
  target: MovedPart | null;
  /**
   * the winner of the fresh search, and whether it beats
   */
  fresh: {
    [k: string]: unknown;
  } | null;
  text: string[];
}
/**
 * A winner's trainings on the earlier and on the newer data.
 */
export interface RetestedWinner {
  trial: string;
  params: {
    [k: string]: unknown;
  };
  values_before: number[];
  values_after: number[];
  /**
   * mean, as `after`
   */
  before: number;
  after: number;
  /**
   * standard deviation, as `spread_after`
   */
  spread_before: number | null;
  spread_after: number | null;
  rank_before: number;
  rank_after: number;
  /**
   * of the 95 % interval of after - before; null: nothing tells it
   */
  low: number | null;
  high: number | null;
  /**
   * Welch's t-test with the chance that rows bring; not yet corrected
   */
  p: number | null;
}
/**
 * How often a search is re-tested.
 */
export interface RetestSchedule {
  /**
   * seconds
   */
  every: number;
  due: string;
  who: string | null;
  data: unknown;
  leaders: number;
  seeds: number;
  fresh: number;
  /**
   * why the last one could not begin
   */
  problem: string | null;
}
/**
 * The re-tests of a search, the newest first.
 */
export interface Retests {
  items: Retest[];
  schedule: RetestSchedule | null;
}
/**
 * What a rewind or a fork has to train again before it is where it leads to.
 */
export interface Rewind {
  branch: number;
  epoch: number;
  /**
   * the nearest state that is kept; null: from the seed
   */
  checkpoint: number | null;
  /**
   * its epoch
   */
  from_epoch: number;
  /**
   * to be trained again
   */
  epochs: number;
  /**
   * about; null where the trainer does not tell its speed
   */
  seconds: number | null;
}
/**
 * One round of coarse to fine: we looked here, because these were good.
 */
export interface RoundRecord {
  index: number;
  /**
   * number of its first trial
   */
  first: number;
  /**
   * trials it has when it is over
   */
  size: number;
  /**
   * how far its trials train; null: as the settings say
   */
  epochs: number | null;
  box: Side[];
  /**
   * the trials that made the box, best first
   */
  trials: string[];
  why: string;
  warnings: string[];
}
/**
 * One parameter's side of a box.
 */
export interface Side {
  /**
   * with its entry, if it has one for each of another
   */
  parameter: string;
  low?: number | string | boolean | unknown[] | null;
  high?: number | string | boolean | unknown[] | null;
  /**
   * those left, of choices without an order
   */
  choices?: unknown[] | null;
}
/**
 * The rounds that have begun.
 */
export interface Rounds {
  items: RoundRecord[];
  /**
   * why there are none
   */
  reason: string | null;
}
/**
 * A row under the model.
 */
export interface Row {
  /**
   * in its file, from 1, a header not counted
   */
  row: number;
  truth: string | number | number[];
  answer: string | number | number[];
  /**
   * null for a regression
   */
  wrong: boolean | null;
  /**
   * the probability of the answer; null for a regression
   */
  confidence: number | null;
  /**
   * -log of the truth's probability, or the mean squared difference
   */
  loss: number;
  /**
   * 1 without dataset.weights
   */
  weight: number;
  tags: Tag[];
  /**
   * the right one, where somebody says that the label is wrong
   */
  label: string | null;
  /**
   * of `columns`, as in the file; null beyond the rows whose input is told
   */
  cells: (boolean | number | string | null)[] | null;
  /**
   * of an image, row by row, channels last
   */
  pixels: number[] | null;
}
/**
 * What somebody said of a row.
 */
export interface Tag {
  tag: string;
  who: string;
  created: string;
}
/**
 * A page of rows, largest loss first.
 */
export interface Rows {
  trial: string;
  part: "dev" | "train_dev";
  /**
   * binary, multiclass or regression
   */
  kind: string;
  dataset: string;
  /**
   * of the part
   */
  rows: number;
  wrong: number | null;
  /**
   * as in training: a share, or in standard deviations of the target
   */
  error: number;
  classes: string[];
  targets: string[];
  /**
   * that can be shown
   */
  parts: string[];
  /**
   * of `cells`
   */
  columns: string[];
  /**
   * that the file has beyond these
   */
  more_columns: number;
  /**
   * height, width, channels of `pixels`
   */
  image_shape: number[] | null;
  pixel_range: number[] | null;
  /**
   * rows that were asked for, of which this is a page
   */
  total: number;
  offset: number;
  items: Row[];
}
/**
 * The second best trial.
 */
export interface RunnerUpRecord {
  trial: string;
  number: number;
  value: number;
  /**
   * how much worse than the winner; 0: as good
   */
  behind: number;
}
/**
 * The settings of a branch by epoch.
 */
export interface Schedule {
  trial: string;
  /**
   * with which its training began
   */
  settings: {
    [k: string]: JsonValue;
  };
  /**
   * changes by epoch, as `schedule` of a search
   */
  schedule: {
    [k: string]: unknown;
  }[];
  /**
   * how far it has come
   */
  epochs: number;
  /**
   * one that trains so from a few seeds, to be submitted
   */
  search: {
    [k: string]: unknown;
  };
}
/**
 * Settings that change in a running trial, at the end of an epoch (0: from the beginning).
 */
export interface ScheduledChange {
  epoch: number;
  set: {
    [k: string]: JsonValue;
  };
}
/**
 * A search and how far it has come.
 */
export interface Search {
  id: number;
  name: string;
  note: string | null;
  project: string | null;
  tags: string[];
  /**
   * who submitted it, by token; null: before this was recorded
   */
  owner: string | null;
  /**
   * since when lists leave it out
   */
  archived: string | null;
  /**
   * derived
   */
  state: "queued" | "running" | "paused" | "completed" | "cancelled";
  mode: string;
  /**
   * as submitted, with the lag resolved and edits applied
   */
  spec: {
    [k: string]: unknown;
  };
  /**
   * grows with every edit; the ETag
   */
  version: number;
  created: string;
  started: string | null;
  ended: string | null;
  /**
   * the budget that was used up first
   */
  ended_by: EndedBy | null;
  /**
   * seconds since its first trial began, pauses left out
   */
  ran: number | null;
  finished: number;
  /**
   * trials it will have when it has ended: its budget, re-evaluations, forks and re-runs
   */
  total: number;
  budget: {
    [k: string]: unknown;
  };
  parallel: number;
  /**
   * of its data set; errors are shares of rows, or standard deviations of the target
   */
  task: ("classification" | "regression") | null;
  counts: Counts;
  /**
   * trials ended per second, lately; over the whole when it has ended
   */
  rate: number | null;
  best: Best | null;
  /**
   * the search whose winners it trains again, for a re-test
   */
  retest_of: number | null;
  /**
   * what its last re-test says, if that has failed
   */
  drift: string | null;
  warnings: Warning[];
  /**
   * why trials failed, of the newest 100; the commonest first
   */
  failures: Failure[];
}
/**
 * What is allowed in a search but worth saying.
 */
export interface Warning {
  field: string;
  message: string;
  remedy: string;
}
/**
 * What is wrong with a search; nothing where it may be submitted.
 */
export interface SearchCheck {
  errors: ProblemField[];
}
/**
 * A page of searches.
 */
export interface SearchPage {
  items: Search[];
  next: string | null;
  total: number;
}
/**
 * Everything stored of a search that its results follow from, as it is stored.
 */
export interface SearchRecord {
  /**
   * its row, with the spec as it is now
   */
  search: {
    [k: string]: unknown;
  };
  /**
   * where its examples come from; null: gone
   */
  dataset: {
    [k: string]: unknown;
  } | null;
  /**
   * why that is not known any more
   */
  dataset_problem: string | null;
  /**
   * changes by people, oldest first
   */
  edits: {
    [k: string]: unknown;
  }[];
  /**
   * with commands, curves, attempts and kept files
   */
  trials: {
    [k: string]: unknown;
  }[];
  /**
   * the first trial of the next page
   */
  next: number | null;
}
/**
 * One job: data set, trainer, fixed settings, space, strategy, stopping rule, objective, budget, seed.
 */
export interface SearchSpec {
  name?: string;
  note?: string | null;
  /**
   * What it belongs to; lists of searches filter by it.
   */
  project?: string | null;
  /**
   * Words to find it by, without commas.
   *
   * @maxItems 20
   */
  tags?: string[];
  dataset?: {
    [k: string]: JsonValue;
  };
  trainer?: string;
  settings?: {
    [k: string]: JsonValue;
  };
  space: Space;
  strategy?: CoarseToFine | Random | Sobol | Grid | Tpe | Gp | Cmaes | Nsga2 | Population;
  stopping?: NoStopping | Median | SuccessiveHalving | Hyperband | Patience | Threshold | LearningCurve | Race;
  objective?: Objective;
  /**
   * Further objectives; `objective` may be a list that begins with the first one.
   *
   * @maxItems 3
   */
  further?: Objective[];
  /**
   * Further metrics to compute, each epoch.
   *
   * @maxItems 50
   */
  metrics?: string[];
  mode?: "caviar" | "panda";
  /**
   * Trials in training at the same time. The server takes as many as it has agents for.
   */
  parallel?: number;
  budget: Budget;
  limits?: Limits1;
  resources?: Resources2;
  seed?: number;
  /**
   * Trial n sees the trials below n - lag.
   */
  lag?: number | null;
  reproducible?: boolean;
  /**
   * Whether strategies keep away from where trials failed.
   */
  failures?: "learn" | "ignore";
  /**
   * Constraints by metric; a trial that breaks one does not count. gap: dev minus train.
   */
  subject_to?: {
    [k: string]: Constraint;
  };
  /**
   * Points to try first.
   *
   * @maxItems 10000
   */
  enqueued?: {
    [k: string]: JsonValue;
  }[];
  /**
   * Resolved at submission: results are kept in it, or points appended to `enqueued`.
   */
  warm_start?: WarmStart | null;
  /**
   * Settings that change in every trial, each at the end of an epoch.
   *
   * @maxItems 1000
   */
  schedule?: ScheduledChange[];
  /**
   * Human or Bayes error, for the diagnosis.
   */
  base_error?: number;
  /**
   * Whose error `base_error` is: two doctors, the last model.
   */
  base_error_source?: string | null;
  reevaluate?: Reevaluate;
}
/**
 * Parameters by name, in the order of the user.
 *
 * Every searched parameter has one axis, a per-layer parameter as many as it can have entries, a fixed one
 * none. An axis that is inactive at a point has the coordinate 0.5. Beside the parameters there may be a
 * list under the name `relations`.
 */
export interface Space {
  /**
   * What must hold between parameters: an order, or a bound on a sum.
   */
  relations?: (string | {})[];
  [k: string]: Range | Choice | Fixed | (string | {})[] | undefined;
}
/**
 * Scrambled Sobol sequence: random, but evenly spread.
 */
export interface Sobol {
  name?: "sobol";
}
/**
 * Tree-structured Parzen estimator, by Optuna.
 */
export interface Tpe {
  name?: "tpe";
  /**
   * Random trials before the estimator begins.
   */
  startup?: number;
}
/**
 * Only the best 1/factor at a rung goes on to the next, which is factor times further; asynchronous.
 */
export interface SuccessiveHalving {
  name?: "successive_halving";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * One of so many goes on.
   */
  factor?: number;
  /**
   * Epoch of the first rung; default: epochs // factor^3, at least 1.
   */
  first?: number | null;
}
/**
 * Stop a trial that is not as good as this by the end of the warm-up.
 */
export interface Threshold {
  name?: "threshold";
  /**
   * Epochs before which nothing is stopped.
   */
  warmup?: number;
  /**
   * What the metric must reach.
   */
  bound: number;
}
/**
 * A trial that exceeds one of these fails, with the reason; its agent goes on.
 */
export interface Limits1 {
  /**
   * Seconds of one trial in all attempts, loading included.
   */
  seconds?: number | null;
  /**
   * Seconds without a finished epoch.
   */
  silent_seconds?: number | null;
  /**
   * Bytes of memory that its process may hold, or a text such as 2 GiB.
   */
  memory?: number | string | null;
}
/**
 * CPUs, GPUs, and anything that whoever runs the agents has given a name and a number.
 *
 * A fraction is a share of one; what is more than one is whole, as in Ray.
 */
export interface Resources2 {
  /**
   * CPUs; as many threads are given to libraries such as BLAS.
   */
  cpus?: number;
  gpus?: number;
  /**
   * Others, by the name that agents give them.
   */
  custom?: {
    [k: string]: number;
  };
}
/**
 * Begin with what earlier searches found; their spaces may be others.
 */
export interface WarmStart {
  /**
   * Try its best points first.
   */
  search?: number | null;
  /**
   * Use all their results, each search for as much as it predicts.
   *
   * @maxItems 10
   */
  searches?: number[];
  /**
   * Points of each search to try first.
   */
  points?: number;
  /**
   * Filled at submission: their results as they were then.
   *
   * @maxItems 10
   */
  evidence?: Evidence[];
}
/**
 * The caller as the server sees them.
 */
export interface Session {
  name: string;
  scope: string;
  token_required: boolean;
  /**
   * the only one that a link shows
   */
  search?: number | null;
}
/**
 * A setting that may change while the trial runs.
 */
export interface Setting {
  name: string;
  type: string;
  low: number | null;
  high: number | null;
  choices: string[];
  unit: string;
  help: string;
  /**
   * in force now
   */
  value: unknown;
}
/**
 * A setting of a trainer, fixed for a search or one of its parameters.
 */
export interface SettingRecord {
  name: string;
  /**
   * float, int, choice, flags, bool or json
   */
  type: string;
  default: unknown;
  low: number | null;
  high: number | null;
  choices: string[];
  unit: string;
  help: string;
  /**
   * may change while a trial runs
   */
  steerable: boolean;
  /**
   * null is allowed: chosen by the rule that `help` gives
   */
  nullable: boolean;
  /**
   * what each of the choices is, in one line
   */
  meanings: {
    [k: string]: string;
  };
  /**
   * by another setting, its choices with which this one has an effect; none: always
   */
  only_with: {
    [k: string]: string[];
  };
  /**
   * of type json: what is allowed, in words
   */
  form: string;
  /**
   * a list with one value for each hidden layer is allowed
   */
  per_layer: boolean;
}
/**
 * Rows that have something in common.
 */
export interface Slice {
  name: string;
  rows: number;
  error: number;
  /**
   * the error of all other rows
   */
  rest: number;
  /**
   * of the difference, adjusted for the number of slices
   */
  p: number;
  /**
   * p is below 0.05
   */
  real: boolean;
}
/**
 * A column and its slices, worst first.
 */
export interface Sliced {
  name: string;
  slices: Slice[];
}
/**
 * Which parts are worse: the columns with the clearest differences first.
 */
export interface Slices {
  error: number;
  test: string;
  columns: Sliced[];
}
/**
 * A leading point that was trained again with fresh seeds.
 */
export interface StandingRecord {
  /**
   * the trial that made it a leader
   */
  trial: string;
  params: {
    [k: string]: unknown;
  };
  /**
   * value of that trial, partly luck
   */
  first: number;
  /**
   * of the fresh trainings alone
   */
  mean: number;
  /**
   * standard deviation between them; null for a single one
   */
  spread: number | null;
  trainings: string[];
  /**
   * p-value of its difference from the winner; null for the winner, or without one
   */
  chance: number | null;
}
/**
 * Leaders by their fresh trainings, best first, and the winner.
 */
export interface Standings {
  items: StandingRecord[];
  winner: StandingRecord | null;
  /**
   * why there is no winner
   */
  reason: string | null;
  /**
   * which others the winner beats by more than chance
   */
  text: string | null;
}
/**
 * All that steering a trial needs, in one answer.
 */
export interface Steering {
  /**
   * number of the newest command; the ETag for If-Match
   */
  version: number;
  state: string;
  branch: number;
  epoch: number;
  settings: Setting[];
  commands: {
    [k: string]: unknown;
  }[];
  branches: BranchRecord[];
  checkpoints: {
    [k: string]: unknown;
  }[];
  /**
   * what is wrong; empty for a trial that learns well
   */
  advice: AdviceRecord[];
  /**
   * what more epochs would bring: improving or converged
   */
  outlook: AdviceRecord | null;
}
/**
 * The number under which a checkpoint was stored.
 */
export interface StoredCheckpoint {
  id: number;
}
/**
 * Studies by id.
 */
export interface Studies {
  items: Study[];
}
/**
 * A study; its id is that of its search.
 */
export interface Study {
  id: number;
  name: string;
  directions: string[];
  user: {
    [k: string]: string;
  };
  system: {
    [k: string]: string;
  };
}
/**
 * The trials that have changed, and the revision to ask from next time.
 */
export interface StudyTrials {
  revision: number;
  items: {
    [k: string]: unknown;
  }[];
}
/**
 * What a search has found so far, or for good.
 */
export interface SummaryRecord {
  /**
   * no trial of it will change any more
   */
  final: boolean;
  metric: string;
  direction: "minimize" | "maximize";
  /**
   * trials with a value
   */
  valued: number;
  winner: WinnerRecord | null;
  runner_up: RunnerUpRecord | null;
  /**
   * null: not known for this metric or data set
   */
  trivial: VersusRecord | null;
  /**
   * bias and variance of the winner, in a sentence
   */
  diagnosis: string | null;
  findings: FindingRecord[];
  next: NextStepRecord[];
}
/**
 * The trial to take.
 */
export interface WinnerRecord {
  trial: string;
  number: number;
  /**
   * of the objective; by fresh seeds their mean
   */
  value: number;
  by: "value" | "fresh seeds";
  places: PlaceRecord[];
  /**
   * its model is stored: GET /trials/{trial}/model
   */
  model: boolean;
}
/**
 * The winner against a trivial model.
 */
export interface VersusRecord {
  /**
   * what the trivial model scores
   */
  value: number;
  /**
   * what it does: always answering ...
   */
  text: string;
  /**
   * above 0: the winner is better
   */
  better_by: number;
}
/**
 * Who trained what when, as columns; agents and states are places in their lists.
 */
export interface Timeline {
  origin: string;
  agents: string[];
  states: string[];
  number: number[];
  agent: number[];
  state: number[];
  /**
   * seconds after origin
   */
  started: number[];
  /**
   * seconds after origin; null: it still runs
   */
  ended: (number | null)[];
}
/**
 * A token without its text.
 */
export interface TokenInfo {
  id: string;
  name: string;
  scope: string;
  created: string;
}
/**
 * The stored tokens.
 */
export interface TokenList {
  items: TokenInfo[];
}
/**
 * All trainers; `external`, a user's own script, takes any settings and is not among them.
 */
export interface TrainerList {
  items: TrainerRecord[];
}
/**
 * A trainer and its settings.
 */
export interface TrainerRecord {
  name: string;
  settings: SettingRecord[];
  /**
   * what a search can optimize, the usual one first; empty: not told
   */
  metrics: string[];
}
/**
 * One point of a search's space and what came of it.
 */
export interface Trial {
  id: string;
  /**
   * the search it belongs to
   */
  search: number;
  /**
   * counts the trials of a search from 0
   */
  number: number;
  /**
   * where it is in its life
   */
  state: "queued" | "running" | "paused" | "completed" | "stopped" | "diverged" | "failed" | "cancelled";
  /**
   * tries of workers so far, this one included
   */
  attempt: number;
  /**
   * its point of the space
   */
  params: {
    [k: string]: unknown;
  };
  /**
   * of the objective
   */
  value: number | null;
  /**
   * final results
   */
  metrics: {
    [k: string]: number | null;
  };
  /**
   * epochs trained so far
   */
  epoch: number;
  /**
   * planned, as things stand now
   */
  epochs: number | null;
  /**
   * settings changed on its way, and to what
   */
  changed: {
    [k: string]: unknown;
  };
  origin: Origin;
  /**
   * why it ended, or what last befell it
   */
  reason: string | null;
  /**
   * the worker that has it, or had it last
   */
  agent: string | null;
  /**
   * when it was made
   */
  created: string;
  /**
   * when its training began
   */
  started: string | null;
  /**
   * when it ended
   */
  ended: string | null;
  /**
   * of its training
   */
  seed: number;
  /**
   * its line of history; grows with every rewind
   */
  branch: number;
  /**
   * its own curve begins after this epoch: what lies before is that of `origin.parent`
   */
  from_epoch: number;
  /**
   * its value where it does not count: excluded, or a constraint broken
   */
  withheld: number | null;
  /**
   * the constraints (`subject_to`) it breaks
   */
  broken: string | null;
  /**
   * why a person excluded it
   */
  excluded: string | null;
  /**
   * who excluded it
   */
  excluded_by: string | null;
  /**
   * when it was excluded
   */
  excluded_at: string | null;
}
/**
 * Fields of trials, one list for each field, in the order of their numbers.
 */
export interface TrialColumns {
  /**
   * trials of the search, those left out included
   */
  total: number;
  columns: {
    [k: string]: unknown[];
  };
}
/**
 * A page of trials.
 */
export interface TrialPage {
  items: Trial[];
  next: string | null;
  total: number;
}
/**
 * Trials, all at once.
 */
export interface Trials {
  items: Trial[];
}
/**
 * What became of a message that was sent to try a webhook.
 */
export interface Tried {
  arrived: boolean;
  problem: string | null;
}
/**
 * A webhook; of its address only the host is shown, for the rest of it may be a secret.
 */
export interface Webhook {
  id: string;
  host: string;
  style: string;
  events: string[];
  project: string | null;
  /**
   * made it
   */
  who: string | null;
  created: string;
  /**
   * when a message last arrived
   */
  sent: string | null;
  /**
   * why the last try did not arrive
   */
  problem: string | null;
}
/**
 * The webhooks, oldest first.
 */
export interface Webhooks {
  items: Webhook[];
}
