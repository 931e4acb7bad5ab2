// The documents: what calls take and give. Each has the fields that the command's `--json` has, in
// camelCase.

import type { ErrorDocument } from './error.js';

/** A number of seconds, or a text with units: `'30s'`, `'5m'`, `'1h30m'`. */
export type Duration = number | string;

/** How an agent is. `unknown` is an honest answer. */
export type AgentState =
  | 'starting'
  | 'idle'
  | 'working'
  | 'queued'
  | 'waiting'
  | 'dead'
  | 'stopped'
  | 'unknown';

/**
 * What became of a text that was not refused. After `unconfirmed` nothing proves either way: look at the
 * agent before you send again.
 */
export type Verdict = 'submitted' | 'queued' | 'accepted' | 'unconfirmed';

/** What kind of proof a verdict stands on. */
export type EvidenceKind = 'none' | 'stored' | 'screen' | 'transcript' | 'hook' | 'protocol';

export interface Evidence {
  kind: EvidenceKind;
  /** What was seen, for people. */
  detail: string;
}

/** The answer to a send. */
export interface Receipt {
  id: string;
  agent: string;
  transport: string;
  verdict: Verdict;
  evidence: Evidence;
  /** What was changed in the text before it was typed (`crlf`, `tabs`, …). */
  normalised: string[];
  /** How often the submit key was pressed. The text itself is typed once. */
  attempts: number;
  elapsedMs: number;
  /** RFC 3339. */
  sentAt: string;
}

/** The answers to a send to several agents. */
export interface SentEach {
  version: 1;
  receipts: Receipt[];
  errors: { agent: string; error: ErrorDocument }[];
}

export type ResetMode = 'clear' | 'new';

/** What a reset did; it is returned only after proof. */
export interface ResetReport {
  agent: string;
  transport: string;
  /** What the program was told, for example `/clear`. */
  command: string;
  evidence: Evidence;
  elapsedMs: number;
}

export interface Reset {
  agent: string;
  /** Nothing where the agent was restarted instead, because its program knows no such reset. */
  report: ResetReport | null;
  /** What came of the first prompt, if one was sent. */
  kickstart: Receipt | null;
  kickstartError: ErrorDocument | null;
  warnings: string[];
}

/** How a program ended. */
export interface ExitStatus {
  code: number | null;
  signal: number | null;
}

/** What a transport knows about one agent. */
export interface AgentStatus {
  name: string;
  runtime: string | null;
  transport: string;
  /** The host it runs on, where it is not this one. */
  host: string | null;
  state: AgentState;
  /** What it waits for (`permission`, `question`), when it is `waiting`. */
  waitingFor: string | null;
  question: string | null;
  /** RFC 3339: when its terminal last changed or, for a dead one, when it ended. */
  since: string | null;
  /** What the state was read from. */
  evidence: string;
  exitStatus: ExitStatus | null;
}

/** One agent: what the roster and the transport say of it. */
export interface AgentReport extends AgentStatus {
  class: string | null;
  inRoster: boolean;
  /** What an environment file overrides. */
  overridden: string[];
}

/** What owns the agents' terminals. */
export interface Holder {
  state: 'up' | 'down' | 'foreign';
  pid: number | null;
  supervisor: string;
}

/** The fleet at one moment. One part that cannot be asked hides nobody else. */
export interface FleetStatus {
  version: 1;
  generatedAt: string;
  holder: Holder | null;
  agents: AgentReport[];
  errors: { scope: string; error: ErrorDocument }[];
}

/** A piece of an agent's output. */
export interface Tail {
  /** Oldest first. */
  lines: string[];
  /** Where the next call goes on. */
  next: string | null;
  /** Output before the first line was lost. */
  gap: boolean;
}

/** What an answer to an agent's question did. */
export interface AnswerReport {
  agent: string;
  transport: string;
  question: string;
  /** The choice as it was shown, or `deny`. */
  answer: string;
  evidence: Evidence;
  elapsedMs: number;
}

/** What became of one agent in a start, a stop or a restart. */
export interface Outcome {
  agent: string;
  what: 'start' | 'replace' | 'restart' | 'stop' | 'already_running' | 'adopt' | 'not_running';
  state: AgentState | null;
  /** The question that it asks before anything can be sent to it. */
  question: string | null;
  kickstart: Receipt | null;
  error: ErrorDocument | null;
}

/** The promises, tried on the live server. */
export interface Verified {
  version: 1;
  ok: boolean;
  checks: { name: string; ok: boolean; seen: string }[];
}

/** One thing that this host needs, and whether it has it. */
export interface Check {
  name: string;
  finding: 'ok' | 'warning' | 'failure';
  seen: string;
  fix: string | null;
}

/** What is in use of the bash version, and what replaces it. */
export interface Migration {
  leftovers: {
    kind: 'unit' | 'enabled_unit' | 'env_file' | 'script' | 'agent';
    name: string;
    path: string | null;
    what: string;
    warning: string | null;
    replacedBy: string;
    next: string | null;
  }[];
  errors: { scope: string; error: ErrorDocument }[];
}

/** Who runs, and what a cutover would do. */
export interface CutoverPlan {
  steps: {
    agent: string;
    what: 'recycle' | 'busy' | 'kept' | 'stranger' | 'elsewhere' | 'caller' | 'not_running';
    state: AgentState;
    since: string | null;
    question: string | null;
  }[];
  holder: Holder;
  warnings: string[];
}

/** What an agent's manifest sees in its terminal, and why. */
export interface Explanation {
  runtime: string;
  state: AgentState;
  composer: string | null;
  question: string | null;
  program: string;
  seen: { what: string; pattern: string; found: string | null }[];
  screen: string[];
  title: string;
}

/** The claims of a transport. */
export interface Capabilities {
  send: boolean;
  queue: boolean;
  /** The best evidence that a send can come back with. */
  confirm: EvidenceKind;
  idempotent: boolean;
  maxMessageBytes: number | null;
  resetClear: boolean;
  resetNew: boolean;
  answer: boolean;
  status: boolean;
  tail: boolean;
  tailCursor: boolean;
  list: boolean;
  /** Long polls end on events instead of at their deadline. */
  events: boolean;
}

export interface TransportInfo {
  scheme: string;
  instance: string;
  capabilities: Capabilities;
}

/** A command: a line for a shell, or its words. */
export type CommandLine = string | string[];

/** How an agent is meant to be. */
export interface AgentSpec {
  name: string;
  runtime?: string;
  class?: string;
  modelHint?: string;
  resetBetweenTasks?: boolean;
  persistentPersona?: boolean | 'semi';
  /** The first prompt after a reset: a file's path, or the text itself. */
  kickstartTemplate?: string | { text: string };
  workingDirectory?: string;
  command?: CommandLine;
  env?: Record<string, string>;
  host?: string;
  memoryMax?: string;
  tasksMax?: number;
  cpuQuota?: string;
}

export interface RosterDefaults {
  workingDirectory?: string;
  runtime?: string;
  command?: CommandLine;
  env?: Record<string, string>;
}

/** A roster. Besides these fields it has a block for each scheme that it configures, as written. */
export interface Roster {
  version: 1;
  transport: string;
  workingDirectory?: string;
  defaults: RosterDefaults;
  runtimes: Record<string, unknown>;
  agents: AgentSpec[];
}

export interface Profile {
  name: string;
  aliases: string[];
  description: string;
  /** The roster, as YAML. */
  text: string;
}

export interface Runtime {
  name: string;
  description: string;
}

/** What work of a repository is really open. */
export interface LaneBrief {
  version: 1;
  repo: string;
  generatedAt: string;
  filters: { milestone: string | null; labels: string[] };
  /** Issues that nobody works on. */
  candidates: { number: number; title: string; assigned: boolean; mentionedBy: number[] }[];
  underway: {
    number: number;
    title: string;
    assigned: boolean;
    pulls: {
      number: number;
      signals: ('native' | 'body' | 'title_keyword' | 'title' | 'branch')[];
      willClose: boolean;
    }[];
  }[];
}

/** How pipelines ended. */
export interface CiWaited {
  version: 1;
  repo: string;
  result: 'success' | 'otherwise' | 'timeout' | 'unknown';
  pipelines: {
    number: number;
    /** The pipeline that was asked for, where this one took its place. */
    insteadOf?: number;
    id: number | null;
    status: string | null;
    ended: boolean;
    commit: string | null;
    url: string | null;
    waitedMs: number;
  }[];
  pending: number[];
  why?: string;
}

/** Whether a branch is clear for a push or a merge. */
export interface CiGuarded {
  version: 1;
  repo: string;
  branch: string | null;
  head: string | null;
  instance: string;
  purpose: 'push' | 'merge';
  result: 'clear' | 'otherwise' | 'timeout' | 'unknown';
  why: string | null;
  own: CiPipeline[];
  active: CiPipeline[];
}

export interface CiPipeline {
  number: number;
  status: string;
  event: string;
  url: string;
}

/** What goes on while a CI call waits: a line to keep, a note to overwrite, or a warning. */
export type CiNews = { line: string } | { note: string } | { warning: string };
