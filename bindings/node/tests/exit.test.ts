// The process ends when the host is done, whatever it left open.

import { expect, test } from 'vitest';
import { Home, node } from './home.js';

const HEAD = `import { Fleet, MemoryTransport } from '@mosaicstack/fleet';`;
const MINE = `const mine = {
  scheme: 'mine', capabilities: { send: true, tail: true, tailCursor: true, list: true, status: true },
  send: () => ({ verdict: 'submitted' }),
  tail: (agent, { cursor }) => ({ lines: cursor ? [] : ['x'], next: 'c1' }),
  list: () => [{ name: 'a', state: 'idle' }],
  status: () => ({ name: 'a', state: 'idle' }),
};`;

test.each<[string, string]>([
  ['an open fleet', `const fleet = Fleet.of(new MemoryTransport({ agents: ['a'] })); await fleet.list();`],
  ['a transport of its own', `${MINE} const fleet = Fleet.of(mine); await fleet.send('a', 'x'); globalThis.kept = fleet;`],
  ['a stream that was broken off', `const fleet = Fleet.of(new MemoryTransport({ agents: ['a'] }));
    for await (const piece of fleet.follow('a')) break;`],
  ['a stream that was left as it is', `${MINE} const fleet = Fleet.of(mine); globalThis.kept = fleet.follow('a'); await kept.next();`],
  ['an aborted call', `const fleet = Fleet.of(new MemoryTransport({ agents: ['a'] }));
    await fleet.wait('a', 'dead', { timeout: '1h', signal: AbortSignal.timeout(20) }).catch(() => undefined);`],
])('%s keeps no process alive', (_, text) => {
  const ran = node(`${HEAD} ${text} console.log('done');`);
  expect(ran).toEqual({ code: 0, signal: null, out: 'done\n', err: '' });
});

test('a call that is under way does', () => {
  const ran = node(`${HEAD}
    const memory = new MemoryTransport({ agents: ['a'] });
    Fleet.of(memory).agentStatus('a', { changedFrom: 'idle', wait: 0.2 }).then(() => console.log('answered'));
  `);
  expect(ran).toEqual({ code: 0, signal: null, out: 'answered\n', err: '' });
});

test('a fleet with a connection to a real tmux keeps no process alive', () => {
  const home = new Home();
  home.scripted({ a: {} });
  const ran = node(
    `${HEAD}
    const fleet = await Fleet.open();
    await fleet.start();
    await fleet.wait('a', 'idle', { timeout: '40s' });
    globalThis.watching = fleet.watch();
    console.log((await watching.next()).value.status.state);`,
    home.environment,
  );
  expect(ran).toEqual({ code: 0, signal: null, out: 'idle\n', err: '' });
});
