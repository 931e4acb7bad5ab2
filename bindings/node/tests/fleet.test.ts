// The facade over agents that are records: names, errors, news, cancelling, iterators, many at once.

import { createRequire } from 'node:module';
import * as esm from '@mosaicstack/fleet';
import { ERROR_CODES, Fleet, FleetError, FleetStream, MemoryTransport, type Tail } from '@mosaicstack/fleet';
import { expect, test } from 'vitest';
import { Home } from './home.js';

function memory(...agents: string[]): { fleet: Fleet; transport: MemoryTransport } {
  const transport = new MemoryTransport({ agents });
  return { fleet: Fleet.of(transport), transport };
}

async function failure(call: Promise<unknown>): Promise<FleetError> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(FleetError);
  return error as FleetError;
}

test('import and require give the very same objects', () => {
  const cjs = createRequire(import.meta.url)('@mosaicstack/fleet') as typeof esm;
  expect(cjs.FleetError).toBe(esm.FleetError);
  const names = Object.keys(esm).filter((name) => name !== 'default' && name !== 'module.exports');
  expect(names.sort()).toEqual(Object.keys(cjs).sort());
  expect(names).toContain('Fleet');
});

test('a text is submitted once, and its receipt has JavaScript names', async () => {
  const { fleet, transport } = memory('coder0', 'coder1');
  const receipt = await fleet.send('coder0', 'run the tests', { timeout: '10s', keyRepeats: 0 });
  expect(receipt).toMatchObject({ agent: 'coder0', verdict: 'submitted', attempts: 1, normalised: [] });
  expect(receipt.elapsedMs).toBeGreaterThanOrEqual(0);
  expect(new Date(receipt.sentAt).getTime()).not.toBeNaN();
  expect(transport.inbox('coder0')).toEqual(['run the tests']);
  expect(transport.inbox('coder1')).toEqual([]);
});

test('a sender is named before the text', async () => {
  const { fleet, transport } = memory('coder0');
  await fleet.send('coder0', 'x', { from: 'vm:orchestrator' });
  expect(transport.inbox('coder0')).toEqual(['[vm:orchestrator -> memory:coder0] x']);
});

test('an error is a real one, with what is known of it', async () => {
  const { fleet } = memory('coder0');
  const error = await failure(fleet.send('codr0', 'x'));
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe('FleetError');
  expect(error.message).toBe('send codr0 via memory:local: no such agent (did you mean coder0?)');
  expect(error).toMatchObject({
    code: 'agent_not_found',
    number: 5,
    retryable: false,
    reason: null,
    operation: 'send',
    agent: 'codr0',
    transport: 'memory:local',
    detail: 'no such agent (did you mean coder0?)',
  });
  expect(error.stack).toContain('fleet.test.ts');
});

test('a refusal says why, and what to do', async () => {
  const { fleet, transport } = memory('coder0');
  transport.setDraft('coder0', 'half a li');
  const draft = await failure(fleet.send('coder0', 'x'));
  expect(draft).toMatchObject({ code: 'refused', reason: 'draft', retryable: true });
  transport.setDraft('coder0', null);
  const command = await failure(fleet.send('coder0', '/clear'));
  expect(command).toMatchObject({ code: 'refused', reason: 'unsafe_text', retryable: false });
  expect(command.hint).toContain('allow a command');
  await fleet.send('coder0', '/clear', { allowCommand: true });
  expect(transport.inbox('coder0')).toEqual(['/clear']);
});

test('the codes are numbered as everywhere', () => {
  const numbers = ERROR_CODES.map((code) => new FleetError({ code, message: 'x' }).number);
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  const late = new FleetError({ code: 'rate_limited', message: 'x', retry: { afterMs: 5 } });
  expect([late.retryable, late.retryAfterMs]).toEqual([true, 5]);
  expect(FleetError.from(late.toJSON())).toEqual(late);
  expect(JSON.parse(JSON.stringify(late))).toMatchObject({ code: 'rate_limited', message: 'x', retry: { afterMs: 5 } });
});

test('what is not known is an error, never ignored', async () => {
  const { fleet } = memory('coder0');
  const typo = { timout: 3 } as object;
  expect(await failure(fleet.send('coder0', 'x', typo))).toMatchObject({
    code: 'invalid_argument',
    operation: 'send',
  });
  expect(await failure(fleet.tail('coder0', { wait: 'soon' }))).toMatchObject({
    code: 'invalid_argument',
  });
  expect(() => new MemoryTransport({ agents: ['a b'] })).toThrow(FleetError);
});

test('several are sent to at once, and one that fails hides no other', async () => {
  const { fleet, transport } = memory('a', 'b');
  const sent = await fleet.sendEach(['a', 'nobody', 'b', 'a'], 'x');
  expect(sent.receipts.map(({ agent }) => agent)).toEqual(['a', 'b']);
  expect(sent.errors).toMatchObject([{ agent: 'nobody', error: { code: 'agent_not_found' } }]);
  expect([transport.inbox('a'), transport.inbox('b')]).toEqual([['x'], ['x']]);
});

test('a reset, a question, an outcome, a wait', async () => {
  const transport = new MemoryTransport({ agents: ['a'] });
  const rosterText = 'version: 1\ntransport: mine\nagents: [{ name: a }]\n';
  const fleet = await Fleet.open({ rosterText, environment: {}, transports: { mine: transport } });
  await fleet.send('a', 'x');
  const reset = await fleet.reset('a', { mode: 'clear', kickstart: null });
  expect(reset).toMatchObject({ agent: 'a', report: { command: 'clear' }, kickstart: null });
  expect(transport.conversation('a')).toEqual([]);

  transport.ask('a', 'May I?', ['Yes', 'No']);
  expect(await fleet.wait('a', 'waiting', { timeout: '20s' })).toMatchObject({ question: 'May I?' });
  expect(await failure(fleet.answer('a', { choice: 7 }))).toMatchObject({ reason: 'no_question' });
  expect(await fleet.answer('a', { choice: 1, expect: 'May I' })).toMatchObject({ answer: '1. Yes' });

  transport.setState('a', 'working');
  const queued = await fleet.send('a', 'y');
  expect(queued.verdict).toBe('queued');
  transport.finishTurn('a');
  expect(await fleet.outcome(queued)).toMatchObject({ id: queued.id, verdict: 'submitted' });
  expect(await failure(fleet.wait('a', ['dead', 'stopped'], { timeout: 0.01 }))).toMatchObject({
    code: 'timeout',
  });
});

test('a closed fleet says so, also when it is disposed of', async () => {
  const { fleet } = memory('a');
  await fleet[Symbol.asyncDispose]();
  await fleet.close();
  expect(await failure(fleet.send('a', 'x'))).toMatchObject({ code: 'closed' });
});

test('a thousand calls at once are answered each', async () => {
  const names = Array.from({ length: 50 }, (_, at) => `a${at}`);
  const { fleet, transport } = memory(...names);
  const calls = Array.from({ length: 1000 }, (_, at) => fleet.send(`a${at % 50}`, `text ${at}`));
  const receipts = await Promise.all(calls);
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(1000);
  const taken = names.flatMap((name) => transport.inbox(name));
  const sent = Array.from({ length: 1000 }, (_, at) => `text ${at}`);
  expect(taken.sort()).toEqual(sent.sort());
});

test('the event loop turns while a call waits', async () => {
  const { fleet, transport } = memory('a');
  let turns = 0;
  const waited = fleet.agentStatus('a', { changedFrom: 'idle', wait: '50s' });
  // The state changes only after a thousand turns: a call that held them up would never end.
  const turn = () => {
    turns += 1;
    if (turns === 1000) {
      transport.setState('a', 'working');
    } else {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
  expect((await waited).state).toBe('working');
  expect(turns).toBe(1000);
});

test('an aborted call rejects with the reason, and its work is given up', async () => {
  const { fleet, transport } = memory('a');
  const reason = new Error('enough');
  await expect(fleet.list({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

  const controller = new AbortController();
  const waited = fleet.wait('a', 'dead', { timeout: '1h', signal: controller.signal });
  setImmediate(() => controller.abort(reason));
  await expect(waited).rejects.toBe(reason);
  await expect(fleet.wait('a', 'dead', { signal: controller.signal })).rejects.toBe(reason);

  // A signal that nobody aborts changes nothing, and is let go of.
  const other = new AbortController();
  await fleet.send('a', 'x', { signal: other.signal });
  other.abort();
  expect(transport.inbox('a')).toEqual(['x']);
});

test('output is followed piece by piece, and left by break', async () => {
  const { fleet, transport } = memory('a');
  transport.say('a', 'one');
  const seen: string[] = [];
  for await (const piece of fleet.follow('a', { lines: 10 })) {
    seen.push(...piece.lines);
    if (seen.length === 3) {
      break;
    }
    transport.say('a', seen.length === 1 ? 'two' : 'three');
  }
  expect(seen).toEqual(['one', 'two', 'three']);
});

test('following ends by return and by a signal, also while it waits', async () => {
  const { fleet } = memory('a');
  const first = fleet.follow('a');
  expect(first).toBeInstanceOf(FleetStream);
  expect((await first.next()).done).toBe(false);
  const waiting = first.next();
  setImmediate(() => void first.return());
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await first.next()).toEqual({ done: true, value: undefined });

  const controller = new AbortController();
  const pieces: Tail[] = [];
  for await (const piece of fleet.follow('a', { signal: controller.signal })) {
    pieces.push(piece);
    setImmediate(() => controller.abort());
  }
  expect(pieces).toHaveLength(1);
  for await (const piece of fleet.follow('a', { signal: controller.signal })) {
    throw new Error(`nothing is to come, and ${JSON.stringify(piece)} did`);
  }
});

test('an error ends a stream', async () => {
  const { fleet } = memory('a');
  const stream = fleet.follow('nobody');
  expect(await failure(stream.next())).toMatchObject({ code: 'agent_not_found', agent: 'nobody' });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(await failure(fleet.follow('a b').next())).toMatchObject({ code: 'invalid_argument' });
});

test('agents are watched', async () => {
  const { fleet, transport } = memory('a');
  const states: string[] = [];
  for await (const { agent, status } of fleet.watch(['a'])) {
    expect(agent).toBe('a');
    states.push(status?.state ?? '');
    if (status?.state === 'dead') {
      break;
    }
    transport.setState('a', status?.state === 'idle' ? 'working' : 'dead');
  }
  expect(states).toEqual(['idle', 'working', 'dead']);
});

test('a roster may name a transport of the host, and its own blocks stay as they are', async () => {
  const home = new Home();
  const transport = new MemoryTransport({ agents: ['a'] });
  const rosterText = 'version: 1\ntransport: mine\nmine: { some_key: 1 }\nagents: [{ name: a, model_hint: m }]\n';
  const environment = home.environment;
  const fleet = await Fleet.open({ rosterText, environment, transports: { mine: transport } });
  expect(await fleet.names()).toEqual(['a']);
  expect(await fleet.roster()).toMatchObject({
    transport: 'mine',
    mine: { some_key: 1 },
    agents: [{ name: 'a', modelHint: 'm' }],
  });
  await fleet.send('a', 'x');
  expect(transport.inbox('a')).toEqual(['x']);
  const taken = Fleet.open({ rosterText, environment, transports: { tmux: transport } });
  expect((await failure(taken)).message).toContain('is taken');
  const broken = await failure(Fleet.open({ rosterText: 'version: 1\nagnts: []\n', environment }));
  expect(broken).toMatchObject({ code: 'config_invalid' });
  expect(broken.message).toContain('agents');
});
