// Transports that JavaScript wrote: what they promise, and how they are called.

import { described } from './error.js';
import { fromCore, toCore } from './keys.js';
import { native, type NativeTransport } from './native.js';
import type {
  AgentState,
  AgentStatus,
  AnswerReport,
  Capabilities,
  Receipt,
  ResetMode,
  ResetReport,
  Tail,
} from './types.js';

/** What is needed of an answer, and what may be told besides. */
type Told<T, Needed extends keyof T> = Pick<T, Needed> & Partial<T>;
type Soon<T> = T | Promise<T>;

/** Who sends: rendered before the text as `[host:session -> host:agent] `. */
export interface TransportSender {
  host: string;
  session: string;
}

export interface TransportSendOptions {
  /** Who sends, if a preamble is wanted. */
  from: TransportSender | null;
  timeoutMs: number;
  /** How long the agent may take to become ready for the text. */
  waitMs: number | null;
  keyRepeats: number;
  allowCommand: boolean;
  idempotencyKey: string | null;
}

/**
 * Carries messages to agents. Methods may be asynchronous, and are called on this object. A method may
 * be left out if no capability claims it.
 *
 * - A text is delivered **at most once** per call of `send`. Throw a `FleetError` of code `refused` only
 *   when nothing was delivered, of `delivery_unknown` when that cannot be told.
 * - `list` fails loudly: an empty list means that there are no agents.
 * - A thrown `FleetError` keeps its code, and so does any error with such a `code`; any other becomes
 *   one of code `plugin`. Each call has a deadline: one that is never answered rejects with `timeout`
 *   or, for a send, with `delivery_unknown`.
 */
export interface Transport {
  /** The kind of transport, as a roster names it: a lower-case word. */
  readonly scheme: string;
  /** Which one of that kind; `local` if it is not said. */
  readonly instance?: string;
  /** What it can do. What is not named is not claimed, and is never asked for. */
  readonly capabilities?: Partial<Capabilities>;
  /**
   * Gives a text to an agent. It has no control characters but line feeds and tabs.
   */
  send?(agent: string, text: string, options: TransportSendOptions): Soon<Told<Receipt, 'verdict'>>;
  /** Makes an agent's program forget its conversation, and returns after its proof. */
  reset?(
    agent: string,
    options: { mode: ResetMode | null; force: boolean; timeoutMs: number },
  ): Soon<Partial<ResetReport>>;
  /** How an agent is. With `changedFrom`, when its state is another or `waitMs` is over. */
  status?(
    agent: string,
    options: { changedFrom: AgentState | null; waitMs: number | null; timeoutMs: number },
  ): Soon<Told<AgentStatus, 'name' | 'state'>>;
  /** What an agent shows: the newest lines or, with a cursor, the first after it. */
  tail?(
    agent: string,
    options: {
      lines: number;
      cursor: string | null;
      waitMs: number | null;
      escapes: boolean;
      timeoutMs: number;
    },
  ): Soon<Told<Tail, 'lines'>>;
  /** How all agents are. */
  list?(options: { composer: boolean; timeoutMs: number }): Soon<Told<AgentStatus, 'name' | 'state'>[]>;
  /** Answers the question that an agent asks: a choice, or no (`null`). */
  answer?(
    agent: string,
    options: { choice: number | null; expect: string | null; timeoutMs: number },
  ): Soon<Partial<AnswerReport>>;
  /** What became of a send that was `accepted` or `queued`. */
  outcome?(receipt: string): Soon<Told<Receipt, 'agent' | 'verdict'>>;
  /** Lets go of what it holds. */
  close?(): Soon<void>;
}

/** The native form of a transport that JavaScript wrote. */
export function adapted(transport: Transport): NativeTransport {
  const { scheme, instance, capabilities } = transport;
  const info = JSON.stringify(toCore({ scheme, instance, capabilities: capabilities ?? {} }));
  return native.Transport.foreign(info, answering(transport, operations));
}

/** A function for the native layer that calls by name, and never throws. */
export function answering<T extends object>(
  object: T,
  calls: Record<string, (object: T, args: Record<string, unknown>) => unknown>,
): (operation: string, args: string) => Promise<string> {
  return async (operation, text) => {
    try {
      const args = fromCore(JSON.parse(text)) as Record<string, unknown>;
      const answer = await calls[operation]?.(object, args);
      return JSON.stringify({ ok: toCore(answer ?? null) });
    } catch (error) {
      return JSON.stringify({ error: described(error) });
    }
  };
}

type Args = Record<string, never>;

/** How each operation of the core is a method's call. */
export const operations: Record<string, (transport: Transport, args: Record<string, unknown>) => unknown> = {
  send: (transport, { agent, text, ...options }) =>
    called(transport, 'send', [agent, text, options]),
  reset: (transport, { agent, ...options }) => called(transport, 'reset', [agent, options]),
  status: (transport, { agent, ...options }) => called(transport, 'status', [agent, options]),
  tail: (transport, { agent, ...options }) => called(transport, 'tail', [agent, options]),
  list: (transport, options) => called(transport, 'list', [options]),
  answer: (transport, { agent, ...options }) => called(transport, 'answer', [agent, options]),
  outcome: (transport, { receipt }) => called(transport, 'outcome', [receipt]),
  close: (transport) => transport.close?.(),
};

function called(transport: Transport, method: keyof Transport, args: unknown[]): unknown {
  const found = transport[method] as ((...args: unknown[]) => unknown) | undefined;
  if (typeof found !== 'function') {
    const error = Object.assign(new Error(`${method} is not supported`), { code: 'unsupported' });
    throw error;
  }
  return found.apply(transport, args as Args[]);
}
