// The in-process transport: agents that are records, for tests of programs that use fleets.

import { opened, thrown, type Envelope } from './error.js';
import { toCore } from './keys.js';
import { native, type NativeMemory, type NativeTransport } from './native.js';
import type { AgentState } from './types.js';

const handles = new WeakMap<MemoryTransport, NativeTransport>();

/**
 * Agents in this process. An idle one takes a text at once; a working one holds it until
 * {@link MemoryTransport.finishTurn}.
 */
export class MemoryTransport {
  /** Which transport this is. */
  readonly scheme = 'memory';
  readonly #native: NativeMemory;

  constructor(options: { agents?: readonly string[]; maxMessageBytes?: number } = {}) {
    try {
      this.#native = new native.MemoryTransport(JSON.stringify(toCore(options)));
    } catch (error) {
      throw thrown(error);
    }
    handles.set(this, this.#native.transport());
  }

  /** Adds an idle agent, if there is none of that name. */
  addAgent(agent: string): void {
    this.#control('add_agent', { agent });
  }

  /** Exactly what an agent took so far, in order, with preambles. */
  inbox(agent: string): string[] {
    return this.#control('inbox', { agent }) as string[];
  }

  /** What of its inbox an agent still remembers: everything since its last reset. */
  conversation(agent: string): string[] {
    return this.#control('conversation', { agent }) as string[];
  }

  /** Sets how an agent is. */
  setState(agent: string, state: AgentState): void {
    this.#control('set_state', { agent, state });
  }

  /** Puts somebody's unsubmitted text into an agent's composer, or takes it out. */
  setDraft(agent: string, text: string | null): void {
    this.#control('set_draft', { agent, text });
  }

  /** Appends to an agent's output. */
  say(agent: string, text: string): void {
    this.#control('say', { agent, text });
  }

  /** Has an agent ask a question. */
  ask(agent: string, text: string, choices: readonly string[]): void {
    this.#control('ask', { agent, text, choices });
  }

  /** Ends an agent's turn: it takes what it had queued, and is idle. */
  finishTurn(agent: string): void {
    this.#control('finish_turn', { agent });
  }

  /** With `false`, every call rejects with `unavailable` until it is `true` again. */
  setReachable(reachable: boolean): void {
    this.#control('set_reachable', { reachable });
  }

  #control(operation: string, args: Record<string, unknown>): unknown {
    const text = this.#native.control(operation, JSON.stringify(args));
    return opened(JSON.parse(text) as Envelope);
  }
}

/** Its native form. */
export function handleOf(transport: MemoryTransport): NativeTransport {
  return handles.get(transport) as NativeTransport;
}
