/// <reference lib="esnext.disposable" preserve="true" />
// The fleet: the same calls as the core's, as methods.

import { ask, invoke, type CallOptions } from './call.js';
import { opened, thrown, type Envelope, type ErrorDocument } from './error.js';
import { rosterFromCore, toCore } from './keys.js';
import { handleOf, MemoryTransport } from './memory.js';
import { native, type NativeFleet, type NativeOpening } from './native.js';
import { FleetStream } from './stream.js';
import { adapted, type Transport } from './transport.js';
import type {
  AgentState,
  AgentStatus,
  AnswerReport,
  Check,
  CutoverPlan,
  Duration,
  Explanation,
  FleetStatus,
  Migration,
  Outcome,
  Receipt,
  Reset,
  ResetMode,
  Roster,
  SentEach,
  Tail,
  TransportInfo,
  Verified,
} from './types.js';

/** Variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface OpenOptions {
  /** The roster's file, instead of the one in `$MOSAIC_HOME`. */
  roster?: string;
  /** The roster itself, as YAML, instead of a file. */
  rosterText?: string;
  /** The tmux socket: a name, or a path. */
  socket?: string;
  /** Variables; those of this process unless given. */
  environment?: Environment;
  /** Transports that a roster may name, by their schemes. */
  transports?: Readonly<Record<string, Transport | MemoryTransport>>;
  /** Keep connections between calls; `true` unless said. */
  lasting?: boolean;
}

export interface SendOptions extends CallOptions {
  /** Who sends, as `host:session`: puts a preamble before the text. */
  from?: string;
  /** A preamble that names the agent in whose terminal this process runs. */
  preamble?: boolean;
  /** How long the agent may take to become ready for the text. */
  wait?: Duration;
  /** The deadline of the whole call. */
  timeout?: Duration;
  /** How often the submit key may be repeated, while the composer still shows exactly our text. */
  keyRepeats?: number;
  /** Take a text that the program would run as a command. */
  allowCommand?: boolean;
  /** Drop control characters instead of refusing the text. */
  stripControl?: boolean;
  /** Calling again with the same key returns the first receipt and types nothing. */
  idempotencyKey?: string;
}

export interface LifeOptions extends CallOptions {
  /** How long a program may take to end by itself. */
  grace?: Duration;
  /** The first prompt after a start; the roster's unless given, none if `null`. */
  kickstart?: string | null;
  /** Told of each agent as it is done. */
  onProgress?: (outcome: Outcome) => void;
}

export interface TailOptions extends CallOptions {
  lines?: number;
  /** Only what came after this place of an earlier answer. */
  cursor?: string;
  /** With a cursor: answer when there is something new, or when this is over. */
  wait?: Duration;
  /** Keep colours as escape sequences. */
  escapes?: boolean;
  timeout?: Duration;
}

/** A change of an agent, or why it cannot be watched. */
export type WatchEvent =
  | { agent: string; status: AgentStatus; error?: undefined }
  | { agent: string; error: ErrorDocument; status?: undefined };

/**
 * A fleet: who should be there, how to talk to them, and who keeps them running.
 *
 * Every call takes a `signal`. Aborting it gives the call up and rejects with `signal.reason`; what was
 * typed by then stays typed. An open fleet keeps no process alive; a call that is under way does.
 */
export class Fleet {
  readonly #native: NativeFleet;

  private constructor(opened: NativeFleet) {
    this.#native = opened;
  }

  /** Opens the fleet that a roster describes. Reads files; talks to no backend. */
  static async open(options: OpenOptions = {}): Promise<Fleet> {
    const { transports = {}, socket, environment = process.env, ...rest } = options;
    const opening = openingOf(Object.entries(transports), true);
    const args = { ...rest, instance: socket, environment: variables(environment) };
    const answer = await opening.open(JSON.stringify(toCore(args)));
    if (typeof answer === 'string') {
      opened(JSON.parse(answer) as Envelope);
    }
    return new Fleet(answer as NativeFleet);
  }

  /**
   * A fleet without a roster: the agents of a transport. It reads no files and, unless they are given, no
   * variables.
   */
  static of(
    transport: Transport | MemoryTransport,
    options: { environment?: Environment } = {},
  ): Fleet {
    const { scheme } = transport;
    const opening = openingOf([[scheme, transport]], false);
    const environment = variables(options.environment ?? {});
    try {
      return new Fleet(opening.openNow(JSON.stringify({ transport: scheme, environment })));
    } catch (error) {
      throw thrown(error);
    }
  }

  /** Gives a text to an agent, once, and says what is known of it. */
  send(agent: string, text: string, options: SendOptions = {}): Promise<Receipt> {
    return this.#ask('send', { agent, text }, options);
  }

  /** Gives a text to several agents: named ones, those of a class, or `'all'`. */
  sendEach(
    to: readonly string[] | { class: string } | 'all',
    text: string,
    options: SendOptions = {},
  ): Promise<SentEach> {
    const whom = to === 'all' ? { all: true } : 'class' in to ? { class: to.class } : { agents: to };
    return this.#ask('send_each', { ...whom, text }, options);
  }

  /** Makes an agent's program forget its conversation, and sends its first prompt. */
  reset(
    agent: string,
    options: CallOptions & {
      mode?: ResetMode;
      /** Reset a busy agent as well, which may discard its work. */
      force?: boolean;
      timeout?: Duration;
      /** The first prompt; the roster's unless given, none if `null`. */
      kickstart?: string | null;
    } = {},
  ): Promise<Reset> {
    return this.#ask('reset', { agent }, options);
  }

  /** How the agents are; all of them without names. */
  status(
    names: readonly string[] = [],
    options: CallOptions & {
      /** Do not read the screens, which tell idle from working. */
      quick?: boolean;
    } = {},
  ): Promise<FleetStatus> {
    return this.#ask('status', { names }, options);
  }

  /** How one agent is; with `changedFrom`, when it is otherwise or `wait` is over. */
  agentStatus(
    agent: string,
    options: CallOptions & { changedFrom?: AgentState; wait?: Duration; timeout?: Duration } = {},
  ): Promise<AgentStatus> {
    return this.#ask('agent_status', { agent }, options);
  }

  /** How all agents of the transport are. Rejects where it cannot be reached. */
  list(options: CallOptions & { quick?: boolean; timeout?: Duration } = {}): Promise<AgentStatus[]> {
    return this.#ask('list', {}, options);
  }

  /** What an agent shows. */
  tail(agent: string, options: TailOptions = {}): Promise<Tail> {
    return this.#ask('tail', { agent }, options);
  }

  /** What an agent shows from now on (or from `cursor`), piece by piece. */
  follow(agent: string, options: TailOptions = {}): FleetStream<Tail> {
    const { signal, ...rest } = options;
    const args = JSON.stringify(toCore({ agent, ...rest }));
    return new FleetStream(() => this.#native.follow(args), signal);
  }

  /** How agents are, then each change; all of the roster without names. */
  watch(names: readonly string[] = [], options: CallOptions = {}): FleetStream<WatchEvent> {
    const args = JSON.stringify({ names });
    return new FleetStream(() => this.#native.watch(args), options.signal);
  }

  /** Answers the question that an agent asks, and returns after its proof. */
  answer(
    agent: string,
    options: CallOptions &
      ({ choice: number } | { deny: true }) & {
        /** Words of the question that you saw: another one is not answered. */
        expect?: string;
        timeout?: Duration;
      },
  ): Promise<AnswerReport> {
    return this.#ask('answer', { agent }, options);
  }

  /** What became of a send that was `accepted` or `queued`. */
  outcome(receipt: string | Pick<Receipt, 'id'>, options: CallOptions = {}): Promise<Receipt> {
    return this.#ask('outcome', { receipt: typeof receipt === 'string' ? receipt : receipt.id }, options);
  }

  /** Waits until an agent is in one of these states. Rejects with `timeout`, after 30 s unless said. */
  wait(
    agent: string,
    states: AgentState | readonly AgentState[],
    options: CallOptions & { timeout?: Duration } = {},
  ): Promise<AgentStatus> {
    return this.#ask('wait', { agent, states: typeof states === 'string' ? [states] : states }, options);
  }

  /** Has agents run; all of the roster without names. What fails for one is in its outcome. */
  start(names: readonly string[] = [], options: LifeOptions = {}): Promise<Outcome[]> {
    return this.#ask('start', { names }, options);
  }

  /** Stops agents and what they left behind. */
  stop(names: readonly string[] = [], options: LifeOptions = {}): Promise<Outcome[]> {
    return this.#ask('stop', { names }, options);
  }

  /** Stops and starts agents. */
  restart(names: readonly string[] = [], options: LifeOptions = {}): Promise<Outcome[]> {
    return this.#ask('restart', { names }, options);
  }

  /** Lets agents finish, and stops them. */
  drain(
    names: readonly string[] = [],
    options: CallOptions & {
      timeout?: Duration;
      /** Stop those as well that have not finished in time. */
      force?: boolean;
      onProgress?: (outcome: Outcome) => void;
    } = {},
  ): Promise<Outcome[]> {
    return this.#ask('drain', { names }, options);
  }

  /** Proves the promises on the live server, with two canaries and without touching an agent. */
  verify(options: CallOptions = {}): Promise<Verified> {
    return this.#ask('verify', {}, options);
  }

  /** Whether this host has what the fleet needs. */
  doctor(options: CallOptions = {}): Promise<Check[]> {
    return this.#ask('doctor', {}, options);
  }

  /** What is in use of the bash version. */
  leftovers(options: CallOptions = {}): Promise<Migration> {
    return this.#ask('leftovers', {}, options);
  }

  /** What a cutover of running agents would do. */
  cutoverPlan(names: readonly string[] = [], options: CallOptions = {}): Promise<CutoverPlan> {
    return this.#ask('cutover_plan', { names }, options);
  }

  /** What an agent's manifest sees in its terminal, and why. */
  explain(agent: string, options: CallOptions = {}): Promise<Explanation> {
    return this.#ask('explain', { agent }, options);
  }

  /** The names of the agents that should run, in the roster's order. */
  names(options: CallOptions = {}): Promise<string[]> {
    return this.#ask('names', {}, options);
  }

  /** The transport, and what it can do. */
  info(options: CallOptions = {}): Promise<TransportInfo> {
    return this.#ask('info', {}, options);
  }

  /** The roster. */
  async roster(options: CallOptions = {}): Promise<Roster> {
    const answer = await invoke(this.#begin('roster'), {}, options.signal);
    return rosterFromCore(answer) as Roster;
  }

  /** The program and arguments that put a person before an agent's terminal. */
  attachCommand(agent: string, options: CallOptions = {}): Promise<string[]> {
    return this.#ask('attach_command', { agent }, options);
  }

  /** The program and arguments that show an agent's log. */
  logCommand(
    agent: string,
    options: CallOptions & { lines?: number; follow?: boolean } = {},
  ): Promise<string[]> {
    return this.#ask('log_command', { agent }, options);
  }

  /** Lets go of connections. Later calls reject with `closed`; closing again is allowed. */
  async close(options: CallOptions = {}): Promise<void> {
    await this.#ask('close', {}, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #begin(operation: string): Parameters<typeof invoke>[0] {
    return (args, news, cancellation) => this.#native.call(operation, args, news, cancellation);
  }

  #ask<T>(
    operation: string,
    args: object,
    options: CallOptions & { onProgress?: (outcome: Outcome) => void },
  ): Promise<T> {
    const { signal, onProgress, ...rest } = options;
    return ask(this.#begin(operation), { ...args, ...rest }, signal, onProgress);
  }
}

function openingOf(
  transports: [string, Transport | MemoryTransport][],
  builtin: boolean,
): NativeOpening {
  const opening = new native.Opening(builtin);
  try {
    for (const [scheme, transport] of transports) {
      const handle = transport instanceof MemoryTransport ? handleOf(transport) : adapted(transport);
      opening.add(scheme, handle);
    }
  } catch (error) {
    throw thrown(error);
  }
  return opening;
}

/** The variables that have a value. */
export function variables(environment: Environment): Record<string, string> {
  const set = Object.entries(environment).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}
