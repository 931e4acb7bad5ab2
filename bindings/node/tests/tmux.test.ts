// The facade on a real tmux server, with scripted agents that log exactly what they took.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fleet, FleetError, type Outcome } from '@mosaicstack/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Home, until } from './home.js';

const home = new Home();
home.scripted({
  a: { reset_command: '/clear' },
  b: {},
  busy: { busy_ms: 600_000 },
  drafted: { draft: 'half a line' },
});
let fleet: Fleet;

/** The texts that an agent took, as it wrote them down itself. */
function took(agent: string): string[] {
  const log = readFileSync(join(home.folder, `${agent}.log`), 'utf8').trim().split('\n');
  const entries = log.map((line) => JSON.parse(line) as { entry: string; text: string });
  return entries.filter(({ entry }) => entry === 'took').map(({ text }) => text);
}

beforeAll(async () => {
  fleet = await Fleet.open({ environment: home.environment });
  const told: Outcome[] = [];
  const started = await fleet.start([], { onProgress: (outcome) => told.push(outcome) });
  expect(started.map(({ agent, what, error }) => ({ agent, what, error }))).toEqual(
    ['a', 'b', 'busy', 'drafted'].map((agent) => ({ agent, what: 'start', error: null })),
  );
  // All of the news, before the answer.
  expect(told.map(({ agent }) => agent).sort()).toEqual(['a', 'b', 'busy', 'drafted']);
  for (const agent of ['a', 'b', 'busy']) {
    await fleet.wait(agent, 'idle', { timeout: '50s' });
  }
});

afterAll(async () => {
  await fleet?.close();
});

test('a text arrives once, and the screen proves it', async () => {
  const receipt = await fleet.send('a', 'ping one\nand two');
  expect(receipt).toMatchObject({ agent: 'a', verdict: 'submitted', evidence: { kind: 'screen' } });
  expect(took('a')).toEqual(['ping one\nand two']);
  expect(took('b')).toEqual([]);
});

test('status, list, explain and info tell of the same fleet', async () => {
  const status = await fleet.status(['a']);
  expect(status).toMatchObject({ version: 1, holder: { state: 'up' }, errors: [] });
  expect(status.agents).toMatchObject([{ name: 'a', class: 'worker', inRoster: true, state: 'idle' }]);
  expect((await fleet.list()).map(({ name }) => name)).toEqual(['a', 'b', 'busy', 'drafted']);
  expect(await fleet.info()).toMatchObject({ scheme: 'tmux', capabilities: { send: true } });
  expect((await fleet.explain('drafted')).composer).toBe('half a line');
  expect((await fleet.attachCommand('a')).slice(0, 1)).toEqual(['tmux']);
});

test('a draft is left alone', async () => {
  const error = await fleet.send('drafted', 'x').catch((error: unknown) => error);
  expect(error).toBeInstanceOf(FleetError);
  expect(error).toMatchObject({ code: 'refused', reason: 'draft', retryable: true });
  expect(took('drafted')).toEqual([]);
});

test('a busy agent holds the text', async () => {
  expect((await fleet.send('busy', 'first')).verdict).toBe('submitted');
  await fleet.wait('busy', 'working', { timeout: '30s' });
  expect((await fleet.send('busy', 'second')).verdict).toBe('queued');
});

test('output is followed while it comes', async () => {
  const stream = fleet.follow('b', { lines: 5 });
  expect((await stream.next()).done).toBe(false);
  const sent = fleet.send('b', 'follow me');
  let shown = '';
  for await (const piece of stream) {
    shown += piece.lines.join('\n');
    if (shown.includes('follow me')) {
      break;
    }
  }
  expect((await sent).verdict).toBe('submitted');
});

test('two senders at once both arrive whole', async () => {
  const texts = Array.from({ length: 6 }, (_, at) => `text ${at} ${'x'.repeat(200)}`);
  const before = took('b').length;
  await Promise.all(texts.map((text) => fleet.send('b', text, { wait: '30s' })));
  const taken = await until('all are taken', async () => {
    const since = took('b').slice(before);
    return since.length === texts.length ? since : undefined;
  });
  expect([...taken].sort()).toEqual(texts);
});

test('a reset is proved, and an aborted wait leaves the fleet as it is', async () => {
  expect(await fleet.reset('a', { kickstart: null })).toMatchObject({
    report: { command: '/clear', evidence: { kind: 'screen' } },
    warnings: [],
  });
  const reason = new Error('enough');
  const signal = AbortSignal.timeout(50);
  const waited = fleet.wait('a', 'dead', { timeout: '1h', signal });
  const rejected = await waited.catch((error: unknown) => error);
  expect(signal.aborted && rejected).toBe(signal.reason);
  await expect(fleet.list({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect((await fleet.send('a', 'still here')).verdict).toBe('submitted');
});

test('what a callback throws is told after the call, which goes on', async () => {
  const mistake = new Error('a mistake of the host');
  const restarted = fleet.restart(['b'], {
    onProgress: () => {
      throw mistake;
    },
  });
  await expect(restarted).rejects.toBe(mistake);
  expect((await fleet.status(['b'])).agents[0]?.state).not.toBe('stopped');
});

test('the promises are verified, and the host is checked', async () => {
  const verified = await fleet.verify();
  expect(verified.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(verified.ok).toBe(true);
  expect((await fleet.doctor()).map(({ name }) => name)).toContain('agent a');
});

test('agents are stopped, and nothing is left', async () => {
  const stopped = await fleet.stop([], { grace: 1 });
  expect(stopped.every(({ error }) => error === null)).toBe(true);
  expect((await fleet.status()).holder?.state).toBe('down');
});
