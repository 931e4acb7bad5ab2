// A transport written in JavaScript: agents that are records in this process. The conformance suite's
// subject, and an example of how one is written.

import { FleetError, type AgentState, type Capabilities, type Transport } from '@mosaicstack/fleet';

interface Question {
  text: string;
  choices: string[];
}

interface Agent {
  state: AgentState;
  since: string;
  inbox: string[];
  /** Where in the inbox the present conversation begins. */
  conversation: number;
  queue: { id: string; text: string }[];
  keys: Map<string, { text: string; id: string }>;
  lines: string[];
  question?: Question | undefined;
  answers: number[];
}

interface Kept {
  id: string;
  agent: string;
  verdict: 'submitted' | 'queued' | 'unconfirmed';
  evidence: { kind: 'protocol' | 'none'; detail: string };
  attempts: number;
}

type Send = Required<Transport>['send'];
type Status = Required<Transport>['status'];
type TailCall = Required<Transport>['tail'];
type Reset = Required<Transport>['reset'];
type AnswerCall = Required<Transport>['answer'];

let made = 0;

export class JsMemoryTransport implements Transport {
  readonly scheme = 'jsmemory';
  readonly instance = `n${(made += 1)}`;
  readonly capabilities: Partial<Capabilities> = {
    send: true,
    queue: true,
    confirm: 'protocol',
    idempotent: true,
    resetClear: true,
    resetNew: true,
    answer: true,
    status: true,
    tail: true,
    tailCursor: true,
    list: true,
    events: true,
  };
  readonly #agents = new Map<string, Agent>();
  readonly #receipts = new Map<string, Kept>();
  #waiting: (() => void)[] = [];
  #closed = false;
  #reachable = true;

  constructor(names: readonly string[]) {
    for (const name of names) {
      this.#agents.set(name, {
        state: 'idle',
        since: new Date().toISOString(),
        inbox: [],
        conversation: 0,
        queue: [],
        keys: new Map(),
        lines: [],
        answers: [],
      });
    }
  }

  send(name: string, text: string, options: Parameters<Send>[2]): ReturnType<Send> {
    const agent = this.#agent(name);
    const { from } = options;
    const rendered = from ? `[${from.host}:${from.session} -> memory:${name}] ${text}` : text;
    if (!options.allowCommand && /^[/!]/.test(rendered)) {
      throw refused('unsafe_text', 'the text begins with a command');
    }
    const first = options.idempotencyKey && agent.keys.get(options.idempotencyKey);
    if (first) {
      if (first.text !== rendered) {
        throw new FleetError({
          code: 'invalid_argument',
          message: 'this idempotency key was used with another text',
        });
      }
      return this.#receipts.get(first.id) as Kept;
    }
    acceptsText(agent);
    const id = `${this.instance}-${this.#receipts.size}`;
    if (options.idempotencyKey) {
      agent.keys.set(options.idempotencyKey, { text: rendered, id });
    }
    const busy = isBusy(agent);
    const detail = busy ? 'the agent holds the text' : 'the agent took the text';
    const receipt: Kept = {
      id,
      agent: name,
      verdict: busy ? 'queued' : 'submitted',
      evidence: { kind: 'protocol', detail },
      attempts: 1,
    };
    this.#receipts.set(id, receipt);
    if (busy) {
      agent.queue.push({ id, text: rendered });
      this.#become(agent, 'queued');
    } else {
      this.#take(agent, rendered);
    }
    // A copy: what becomes of it later is told by `outcome`.
    return { ...receipt };
  }

  reset(name: string, options: Parameters<Reset>[1]): ReturnType<Reset> {
    const agent = this.#agent(name);
    acceptsText(agent);
    if (isBusy(agent) && !options.force) {
      throw refused('busy', 'the agent is at work');
    }
    for (const { id } of agent.queue.splice(0)) {
      this.#conclude(id, 'unconfirmed', { kind: 'none', detail: 'a reset discarded the queue' });
    }
    agent.conversation = agent.inbox.length;
    agent.lines.push('(reset)');
    this.#become(agent, 'idle');
    const evidence = { kind: 'protocol', detail: 'the conversation is empty' } as const;
    return { command: options.mode ?? 'clear', evidence };
  }

  async status(name: string, options: Parameters<Status>[1]): Promise<Awaited<ReturnType<Status>>> {
    await this.#until(options.waitMs, () => this.#agent(name).state !== options.changedFrom);
    return this.#describe(name, this.#agent(name));
  }

  async tail(name: string, options: Parameters<TailCall>[1]): Promise<Awaited<ReturnType<TailCall>>> {
    const start = options.cursor === null ? undefined : this.#place(name, options.cursor);
    if (start !== undefined) {
      await this.#until(options.waitMs, () => this.#agent(name).lines.length > start);
    }
    const { lines } = this.#agent(name);
    const from = start ?? Math.max(0, lines.length - options.lines);
    const to = start === undefined ? lines.length : from + Math.max(1, options.lines);
    const piece = lines.slice(from, to);
    return { lines: piece, next: this.#cursor(name, from + piece.length), gap: false };
  }

  list(): ReturnType<Required<Transport>['list']> {
    this.#open();
    return [...this.#agents].map(([name, agent]) => this.#describe(name, agent));
  }

  answer(name: string, options: Parameters<AnswerCall>[1]): ReturnType<AnswerCall> {
    const agent = this.#agent(name);
    const { question } = agent;
    if (agent.state === 'dead') {
      throw refused('dead', 'the agent does not run');
    }
    if (!question || (options.expect !== null && !question.text.includes(options.expect.trim()))) {
      throw refused('no_question', 'it does not ask that');
    }
    const number = options.choice ?? question.choices.length;
    const words = question.choices[number - 1];
    if (words === undefined) {
      throw refused('no_question', `there is no choice ${number}`);
    }
    agent.answers.push(number);
    this.#become(agent, 'idle');
    const answer = options.choice === null ? 'deny' : `${number}. ${words}`;
    const evidence = { kind: 'protocol', detail: 'the agent took the answer' } as const;
    return { question: question.text, answer, evidence };
  }

  outcome(receipt: string): ReturnType<Required<Transport>['outcome']> {
    this.#open();
    const kept = this.#receipts.get(receipt);
    if (!kept) {
      throw new FleetError({ code: 'invalid_argument', message: `no such receipt ${receipt}` });
    }
    return kept;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  // What a test does to it, and asks of it.

  taken(name: string): string[] {
    return this.#agents.get(name)?.inbox ?? [];
  }

  remembered(name: string): string[] {
    const agent = this.#agents.get(name);
    return agent?.inbox.slice(agent.conversation) ?? [];
  }

  answers(name: string): number[] {
    return this.#agents.get(name)?.answers ?? [];
  }

  set(name: string, state: AgentState): void {
    this.#become(this.#agents.get(name) as Agent, state);
  }

  ask(name: string, text: string, choices: string[]): void {
    const agent = this.#agents.get(name) as Agent;
    this.#become(agent, 'waiting');
    agent.question = { text, choices };
  }

  finishTurn(name: string): void {
    const agent = this.#agents.get(name) as Agent;
    for (const { id, text } of agent.queue.splice(0)) {
      this.#take(agent, text);
      this.#conclude(id, 'submitted', { kind: 'protocol', detail: 'taken after the turn' });
    }
    this.#become(agent, 'idle');
  }

  breakDown(): void {
    this.#reachable = false;
    this.#wake();
  }

  #open(): void {
    if (this.#closed) {
      throw new FleetError({ code: 'closed', message: 'the transport was closed' });
    }
    if (!this.#reachable) {
      const message = 'the agents cannot be reached';
      throw new FleetError({ code: 'unavailable', message, retry: 'safe' });
    }
  }

  #agent(name: string): Agent {
    this.#open();
    const agent = this.#agents.get(name);
    if (!agent) {
      const near = [...this.#agents.keys()].find((known) => known.startsWith(name.slice(0, 4)));
      const meant = near ? ` (did you mean ${near}?)` : '';
      throw new FleetError({ code: 'agent_not_found', message: `no such agent${meant}` });
    }
    return agent;
  }

  #take(agent: Agent, text: string): void {
    agent.inbox.push(text);
    agent.lines.push(...text.split('\n').map((line, at) => `${at ? '  ' : '> '}${line}`));
    this.#wake();
  }

  #become(agent: Agent, state: AgentState): void {
    agent.question = undefined;
    agent.state = state;
    agent.since = new Date().toISOString();
    this.#wake();
  }

  #conclude(id: string, verdict: Kept['verdict'], evidence: Kept['evidence']): void {
    Object.assign(this.#receipts.get(id) as Kept, { verdict, evidence });
  }

  #describe(name: string, { state, since, question }: Agent) {
    return {
      name,
      state,
      since,
      evidence: `record: ${state}`,
      waitingFor: question ? 'question' : null,
      question: question?.text ?? null,
    };
  }

  #cursor(name: string, line: number): string {
    return `js:${this.instance}:${name}:${line}`;
  }

  #place(name: string, cursor: string): number {
    const line = Number(cursor.split(':').pop());
    if (cursor !== this.#cursor(name, line) || line > this.#agent(name).lines.length) {
      throw new FleetError({ code: 'invalid_argument', message: 'a cursor of another transport' });
    }
    return line;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) {
      wake();
    }
  }

  /** Returns when `met`, or when the time is over. */
  async #until(waitMs: number | null, met: () => boolean): Promise<void> {
    const end = Date.now() + (waitMs ?? 0);
    while (!met() && Date.now() < end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

function refused(reason: 'unsafe_text' | 'busy' | 'dead' | 'no_question' | 'dialog', message: string) {
  return new FleetError({ code: 'refused', reason, message });
}

function isBusy(agent: Agent): boolean {
  return agent.state === 'working' || agent.state === 'queued';
}

function acceptsText(agent: Agent): void {
  if (agent.state === 'dead') {
    throw refused('dead', "the agent's program has ended");
  }
  if (agent.state === 'waiting') {
    throw refused('dialog', 'the agent asked a question');
  }
}
