// The core's conformance suite on a transport written in JavaScript, each behaviour a test.

import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { answering, operations } from '../dist/transport.js';
import { NATIVE } from './home.js';
import { JsMemoryTransport } from './memory-transport.js';

type Call = (operation: string, args: string) => Promise<string>;

const native = createRequire(import.meta.url)(NATIVE) as {
  conformanceBehaviours(): string[];
  runConformance(name: string, harness: Call): Promise<string>;
};

const AGENTS = ['agent', 'agent-1', 'agent-10', 'agent0'];

/** What the suite asks of a harness besides the transport's own operations. */
const questions: Record<string, (transport: JsMemoryTransport, args: Record<string, unknown>) => unknown> = {
  start: ({ scheme, instance, capabilities }) => ({ scheme, instance, capabilities }),
  taken: (transport, { agent }) => transport.taken(agent as string),
  remembered: (transport, { agent }) => transport.remembered(agent as string),
  answers: (transport, { agent }) => transport.answers(agent as string),
  kill_agent: (transport, { agent }) => transport.set(agent as string, 'dead'),
  make_busy: (transport, { agent }) => {
    transport.set(agent as string, 'working');
    return true;
  },
  finish_turn: (transport, { agent }) => transport.finishTurn(agent as string),
  break_backend: (transport) => transport.breakDown(),
};

/** `ask` and `answer` are words of both: the suite's has no choices. */
function harness(transport: JsMemoryTransport): Call {
  return answering(transport, {
    ...operations,
    ...questions,
    ask: (asked: JsMemoryTransport, { agent }: Record<string, unknown>) => {
      asked.ask(agent as string, 'May it go on?', ['Yes', 'No']);
      return true;
    },
  } as never);
}

const behaviours = native.conformanceBehaviours();

test('the suite is there', () => {
  expect(behaviours.length).toBeGreaterThan(30);
  expect(behaviours).toContain('delivers_exactly_once');
});

test.each(behaviours)('%s', async (name) => {
  const envelope = await native.runConformance(name, harness(new JsMemoryTransport(AGENTS)));
  expect(JSON.parse(envelope)).toEqual({ ok: null });
});

test('a transport that delivers twice does not pass', async () => {
  class Twice extends JsMemoryTransport {
    override send(...args: Parameters<JsMemoryTransport['send']>) {
      super.send(...args);
      return super.send(...args);
    }
  }
  const ended = await native.runConformance('delivers_exactly_once', harness(new Twice(AGENTS)));
  expect(JSON.parse(ended)).toHaveProperty('error.code', 'unexpected');
});
