// What needs no fleet: lanes and CI, rosters as texts, and what is shipped.

import { ask, invoke, type CallOptions } from './call.js';
import { variables, type Environment } from './fleet.js';
import { rosterFromCore } from './keys.js';
import { native } from './native.js';
import type {
  AgentSpec,
  CiGuarded,
  CiNews,
  CiWaited,
  Duration,
  LaneBrief,
  Profile,
  Roster,
  Runtime,
} from './types.js';

export interface ServiceOptions extends CallOptions {
  /** Variables, which tell logins, tokens and folders; those of this process unless given. */
  environment?: Environment;
  /** The name of the forge's login. */
  login?: string;
  /** The folder whose `origin` may tell the login; the current one unless given. */
  folder?: string;
  /** Told of what goes on. */
  onNews?: (news: CiNews) => void;
}

export interface CiOptions extends ServiceOptions {
  /** The CI instance's name. */
  instance?: string;
  /** How often is asked. */
  interval?: Duration;
  timeout?: Duration;
  /** How long the service may be away before the answer is `unknown`. */
  outage?: Duration;
}

/** Which pipelines: by number, or those of a branch's head. */
export type CiPipelines = { numbers: readonly number[] } | { head: true; branch?: string };

export type CiWaitOptions = CiOptions &
  CiPipelines & {
    /** End with the first that does not succeed. */
    failFast?: boolean;
    /** Go on with the pipeline that takes the place of one. */
    follow?: boolean;
    /** What to do with one that waits for somebody's consent. */
    blocked?: 'fail' | 'wait';
  };

export interface CiGuardOptions extends CiOptions {
  /** `owner/name`; the one of the folder's `origin` unless given. */
  repo?: string;
  branch?: string;
  purpose: 'push' | 'merge';
  /** The whole commit whose pipeline is meant, instead of the branch's head. */
  head?: string;
  /** How long a head may be without a pipeline. */
  grace?: Duration;
}

/** What work of a repository (`owner/name`) is really open. */
export function laneBrief(
  repo: string,
  options: ServiceOptions & {
    milestone?: string;
    labels?: readonly string[];
    /** Ask the forge about each link. */
    verify?: boolean;
  } = {},
): Promise<LaneBrief> {
  return service('lane_brief', { repo }, options);
}

/** Waits for pipelines to end. */
export function ciWait(repo: string, options: CiWaitOptions): Promise<CiWaited> {
  return service('ci_wait', { repo }, options);
}

/** How pipelines are now. */
export function ciStatus(repo: string, options: CiOptions & CiPipelines): Promise<CiWaited> {
  return service('ci_status', { repo }, options);
}

/** Waits until a branch is clear for a push or a merge. */
export function ciGuard(options: CiGuardOptions): Promise<CiGuarded> {
  return service('ci_guard', {}, options);
}

/** Reads a roster. Rejects with `config_invalid`, line and column. */
export async function rosterParse(text: string, options: { origin?: string } = {}): Promise<Roster> {
  return rosterFromCore(await plain('roster_parse', { text, ...options })) as Roster;
}

/** The roster's text with one agent more; comments stay. */
export async function rosterAdd(text: string, agent: AgentSpec): Promise<string> {
  return (await plain('roster_add', { text, agent })) as string;
}

/** The roster's text without an agent. */
export async function rosterRemove(text: string, name: string): Promise<string> {
  return (await plain('roster_remove', { text, name })) as string;
}

/** The JSON Schema of rosters. */
export async function rosterSchema(): Promise<Record<string, unknown>> {
  return (await plain('roster_schema', {})) as Record<string, unknown>;
}

/** The rosters that are shipped as examples. */
export async function profiles(): Promise<Profile[]> {
  return (await plain('profiles', {})) as Profile[];
}

/** The agent programs that are known. */
export async function runtimes(): Promise<Runtime[]> {
  return (await plain('runtimes', {})) as Runtime[];
}

function plain(operation: string, args: Record<string, unknown>): Promise<unknown> {
  return invoke((text, news, cancel) => native.callFree(operation, text, '{}', news, cancel), args);
}

function service<T>(operation: string, args: object, options: ServiceOptions): Promise<T> {
  const { environment = process.env, signal, onNews, ...rest } = options;
  const known = JSON.stringify(variables(environment));
  return ask(
    (text, news, cancel) => native.callFree(operation, text, known, news, cancel),
    { ...args, ...rest },
    signal,
    onNews,
  );
}
