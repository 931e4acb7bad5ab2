// Transports that JavaScript wrote, and what must not come of the bad ones.

import { Fleet, FleetError, type Transport } from '@mosaicstack/fleet';
import { expect, test } from 'vitest';
import { node } from './home.js';

const ALL = { send: true, status: true, tail: true, list: true, resetClear: true } as const;

/** A transport of which a test writes one method. */
function with_(method: Partial<Transport>): Fleet {
  return Fleet.of({ scheme: 'mine', instance: 'here', capabilities: ALL, ...method });
}

async function failure(call: Promise<unknown>): Promise<FleetError> {
  const error = await call.then(
    (answer) => answer,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(FleetError);
  return error as FleetError;
}

test('methods are called on their object, asynchronous or not', async () => {
  class Mine implements Transport {
    readonly scheme = 'mine';
    readonly capabilities = ALL;
    readonly #texts: string[] = [];
    send(agent: string, text: string) {
      this.#texts.push(`${agent}: ${text}`);
      return { verdict: 'submitted' as const, evidence: { kind: 'protocol' as const, detail: 'x' } };
    }
    async list() {
      return this.#texts.map((_, at) => ({ name: `a${at}`, state: 'idle' as const }));
    }
  }
  const fleet = Fleet.of(new Mine());
  const receipt = await fleet.send('a', 'x');
  expect(receipt).toMatchObject({ agent: 'a', transport: 'mine:local', verdict: 'submitted' });
  expect(receipt.evidence).toEqual({ kind: 'protocol', detail: 'x' });
  expect(await fleet.list()).toMatchObject([{ name: 'a0', state: 'idle', exitStatus: null }]);
});

test('options have JavaScript names', async () => {
  const asked: unknown[] = [];
  const fleet = with_({
    send: (...args) => (asked.push(args), { verdict: 'submitted' }),
    tail: (...args) => (asked.push(args), { lines: [] }),
  });
  await fleet.send('a', 'x', { from: 'vm:me', timeout: 3, wait: '2s' });
  await fleet.tail('a', { lines: 7 });
  expect(asked).toEqual([
    [
      'a',
      'x',
      {
        from: { host: 'vm', session: 'me' },
        timeoutMs: 3000,
        waitMs: 2000,
        keyRepeats: 2,
        allowCommand: false,
        idempotencyKey: null,
      },
    ],
    ['a', { lines: 7, cursor: null, waitMs: null, escapes: false, timeoutMs: 30_000 }],
  ]);
});

test.each<[string, () => never, object]>([
  ['a plain error', () => { throw new TypeError('oh no'); }, { code: 'plugin', detail: 'oh no' }],
  ['a text', () => { throw 'oh no'; }, { code: 'plugin' }],
  ['nothing', () => { throw undefined; }, { code: 'plugin' }],
  ['an error of the system', () => { throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }); }, { code: 'plugin' }],
  ['an error with a code of ours', () => { throw Object.assign(new Error('gone'), { code: 'unavailable', retryable: true }); }, { code: 'unavailable', retryable: true, detail: 'gone' }],
  ['a FleetError', () => { throw new FleetError({ code: 'refused', reason: 'draft', message: 'a draft', hint: 'ask' }); }, { code: 'refused', reason: 'draft', detail: 'a draft', hint: 'ask' }],
  ['one that asks for time', () => { throw new FleetError({ code: 'rate_limited', message: 'slow', retry: { afterMs: 1500 } }); }, { code: 'rate_limited', retryAfterMs: 1500 }],
])('%s that is thrown, or rejected with, is told', async (_, fail, expected) => {
  const context = { operation: 'send', agent: 'a', transport: 'mine:here' };
  expect(await failure(with_({ send: fail }).send('a', 'x'))).toMatchObject({ ...expected, ...context });
  const later = with_({ send: async () => fail() });
  expect(await failure(later.send('a', 'x'))).toMatchObject({ ...expected, ...context });
});

const circle: Record<string, unknown> = {};
circle.circle = circle;

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['a number', 7],
  ['an unknown verdict', { verdict: 'done' }],
  ['a circle', circle],
  ['a big integer', { verdict: 1n }],
  ['a getter that throws', { get verdict(): never { throw new Error('no'); } }],
])('%s as an answer is nonsense, and told as such', async (_, garbage) => {
  const fleet = with_({ send: () => garbage as never, list: () => garbage as never });
  expect(await failure(fleet.send('a', 'x'))).toMatchObject({ code: 'plugin' });
  expect(await failure(fleet.list())).toMatchObject({ code: 'plugin' });
});

test('a call that is never answered ends at its deadline', async () => {
  const never = () => new Promise<never>(() => undefined);
  const fleet = with_({ send: never, list: never });
  const unknown = await failure(fleet.send('a', 'x', { timeout: 0.05 }));
  expect(unknown).toMatchObject({ code: 'delivery_unknown', retryable: false });
  expect(await failure(fleet.list({ timeout: 0.05 }))).toMatchObject({ code: 'timeout' });
});

test('what is not claimed is never asked for', async () => {
  const calls: string[] = [];
  const fleet = Fleet.of({ scheme: 'mine', send: () => (calls.push('send'), { verdict: 'queued' }) });
  expect(await failure(fleet.send('a', 'x'))).toMatchObject({ code: 'unsupported' });
  expect(calls).toEqual([]);
  // Claimed, and not there.
  expect(await failure(with_({}).send('a', 'x'))).toMatchObject({ code: 'unsupported' });
});

test('a transport that cannot be one is refused when the fleet is opened', () => {
  expect(() => Fleet.of({ scheme: 'No Good' })).toThrow(FleetError);
  expect(() => Fleet.of({ scheme: 'mine', capabilities: { fly: true } as object })).toThrow(FleetError);
});

test('a thousand calls at once go through one transport', async () => {
  let most = 0;
  let now = 0;
  const fleet = with_({
    send: async (_, text) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return { verdict: 'submitted', evidence: { kind: 'protocol', detail: text } };
    },
  });
  const calls = Array.from({ length: 1000 }, (_, at) => fleet.send(`a${at}`, `text ${at}`));
  const receipts = await Promise.all(calls);
  expect(receipts.map(({ evidence }) => evidence.detail)).toEqual(
    Array.from({ length: 1000 }, (_, at) => `text ${at}`),
  );
  expect(most).toBeGreaterThan(1);
});

test('throwing at once, later, in a microtask of a getter: the process lives on', () => {
  const ran = node(`
    import { Fleet } from '@mosaicstack/fleet';
    const bad = [
      { send() { throw new Error('at once') } },
      { async send() { await null; throw new Error('later') } },
      { get send() { throw new Error('in a getter') } },
      { send: 7 },
      { send: () => ({ then() { throw new Error('in then') } }) },
      { send: () => Promise.reject() },
    ];
    for (const methods of bad) {
      const transport = Object.defineProperties(
        { scheme: 'mine', capabilities: { send: true } },
        Object.getOwnPropertyDescriptors(methods),
      );
      const codes = await Promise.all([1, 2].map(() =>
        Fleet.of(transport).send('a', 'x').then(() => 'sent', (error) => error.code)));
      console.log(codes.join());
    }
  `);
  expect(ran.err).toBe('');
  const lines = ['plugin,plugin', 'plugin,plugin', 'plugin,plugin', 'unsupported,unsupported', 'plugin,plugin', 'plugin,plugin'];
  expect(ran.out.trim().split('\n')).toEqual(lines);
  expect(ran.code).toBe(0);
});
