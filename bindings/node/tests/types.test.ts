// The hand-written types, held against documents that real calls gave: each must fit, one field less or
// one more must not. And a consumer's program, checked strictly in both module systems.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as package_ from '@mosaicstack/fleet';
import { Fleet, MemoryTransport } from '@mosaicstack/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Home, PACKAGE } from './home.js';
import { documents as served } from './services.js';

const home = new Home();
const folder = mkdtempSync(join(tmpdir(), 'mfn-types-'));

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules', '@mosaicstack'), { recursive: true });
  symlinkSync(PACKAGE, join(folder, 'node_modules', '@mosaicstack', 'fleet'));
  for (const name of ['@types', 'commander', 'undici-types']) {
    symlinkSync(join(PACKAGE, 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What tsc says of a program, under each of these names; nothing if all is well. */
function checked(text: string, ...names: string[]): string {
  for (const name of names) {
    writeFileSync(join(folder, name), text);
  }
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  const exact = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noUnusedLocals', 'false'];
  const tsc = join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
  const ran = spawnSync(process.execPath, [tsc, ...options, ...exact, ...names], {
    cwd: folder,
    encoding: 'utf8',
  });
  return ran.stdout + ran.stderr;
}

/** Documents of real calls, each with the name of its type. */
async function documents(): Promise<[string, object][]> {
  home.scripted({ a: { reset_command: '/clear' }, asks: { dialog_at_start: true } });
  const fleet = await Fleet.open({ environment: home.environment });
  const all: [string, object][] = [];
  const one = (type: string, document: object) => all.push([type, document]);
  const each = (type: string, list: object[]) => {
    expect(list).not.toEqual([]);
    for (const document of list) {
      one(type, document);
    }
  };
  each('Outcome', await fleet.start());
  one('AgentStatus', await fleet.wait('a', 'idle', { timeout: '50s' }));
  one('AgentStatus', await fleet.wait('asks', 'waiting', { timeout: '50s' }));
  one('Receipt', await fleet.send('a', 'x'));
  one('Tail', await fleet.tail('a', { lines: 3 }));
  one('Tail', (await fleet.follow('a', { lines: 3 }).next()).value as object);
  one('WatchEvent', (await fleet.watch(['a']).next()).value as object);
  one('Reset', await fleet.reset('a', { kickstart: null }));
  one('SentEach', await fleet.sendEach(['a', 'nobody'], 'x'));
  one('AnswerReport', await fleet.answer('asks', { deny: true }));
  one('FleetStatus', await fleet.status());
  each('AgentStatus', await fleet.list());
  one('TransportInfo', await fleet.info());
  one('Roster', await fleet.roster());
  one('Explanation', await fleet.explain('a'));
  one('CutoverPlan', await fleet.cutoverPlan());
  one('Migration', await fleet.leftovers());
  each('Check', await fleet.doctor());
  one('Verified', await fleet.verify());
  each('Outcome', await fleet.stop([], { grace: 1 }));
  await fleet.close();

  const memory = new MemoryTransport({ agents: ['a'] });
  memory.setReachable(false);
  one('FleetStatus', await Fleet.of(memory).status());
  one('ErrorDocument', (await Fleet.of(memory).sendEach(['a'], 'x')).errors[0]?.error as object);
  const text = 'version: 1\nagents:\n  - { name: a, persistent_persona: semi, env: { KEY_ONE: x }, tasks_max: 3 }\n';
  one('Roster', await package_.rosterParse(text));
  each('Profile', await package_.profiles());
  each('Runtime', await package_.runtimes());
  all.push(...(await served()));
  return all;
}

test('each document fits its type, and none with a field less or more', async () => {
  const all = await documents();
  const types = [...new Set(all.map(([type]) => type))];
  const lines = [`import type { ${types.join(', ')} } from '@mosaicstack/fleet';`];
  const optional: Record<string, string[]> = { WatchEvent: ['error'], CiWaited: ['why'] };
  for (const [type, document] of all) {
    const whole = JSON.stringify(document);
    lines.push(`(${whole}) satisfies ${type};`);
    lines.push('// @ts-expect-error', `(${JSON.stringify({ ...document, oneMore: 1 })}) satisfies ${type};`);
    for (const name of Object.keys(document)) {
      if (!optional[type]?.includes(name)) {
        const less = Object.fromEntries(Object.entries(document).filter(([key]) => key !== name));
        lines.push('// @ts-expect-error', `(${JSON.stringify(less)}) satisfies ${type};`);
      }
    }
  }
  lines.push('export {};');
  expect(checked(lines.join('\n'), 'documents.mts')).toBe('');
  expect(types.length).toBeGreaterThanOrEqual(21);
});

const CONSUMER = `
import { Fleet, FleetError, MemoryTransport, ciWait, laneBrief, rosterAdd } from '@mosaicstack/fleet';
import type { Receipt, Tail, Transport, ErrorCode, AgentState } from '@mosaicstack/fleet';
import { mountFleet, CommandClashError } from '@mosaicstack/fleet/commander';
import { buildPiSkillArgs, enumerateSkillDirs, piForceSkillNames } from '@mosaicstack/fleet/skills';
import { Command } from 'commander';

class Mine implements Transport {
  readonly scheme = 'mine';
  readonly capabilities = { send: true } as const;
  async send(agent: string, text: string) {
    return { verdict: 'submitted' as const, evidence: { kind: 'none' as const, detail: agent + text } };
  }
}

export async function use(signal: AbortSignal): Promise<void> {
  const fleet = await Fleet.open({ roster: 'r.yaml', transports: { mine: new Mine() }, socket: 's' });
  const other: Fleet = Fleet.of(new MemoryTransport({ agents: ['a'] }));
  const receipt: Receipt = await fleet.send('a', 'x', { timeout: '30s', wait: 5, signal });
  const verdict: 'submitted' | 'queued' | 'accepted' | 'unconfirmed' = receipt.verdict;
  for await (const piece of fleet.follow('a', { signal })) {
    const tail: Tail = piece;
    tail.lines.map((line) => line.length);
  }
  for await (const { agent, status, error } of other.watch(['a'])) {
    const state: AgentState | undefined = status?.state;
    const code: ErrorCode | undefined = error?.code;
    void [agent, state, code];
  }
  await fleet.answer('a', { choice: 1 });
  await fleet.answer('a', { deny: true, expect: 'x' });
  // @ts-expect-error one of choice and deny
  await fleet.answer('a', {});
  // @ts-expect-error no such state
  await fleet.wait('a', 'asleep');
  // @ts-expect-error no such option
  await fleet.send('a', 'x', { timout: 1 });
  // @ts-expect-error pipelines must be named
  await ciWait('o/r', {});
  await ciWait('o/r', { numbers: [1], onNews: (news) => void ('line' in news && news.line) });
  await laneBrief('o/r', { environment: process.env, labels: ['x'] });
  const text: string = await rosterAdd('version: 1', { name: 'a', class: 'b' });
  try {
    await fleet.close();
  } catch (error) {
    if (error instanceof FleetError && error.code === 'rate_limited') {
      const after: number | undefined = error.retryAfterMs;
      void after;
    }
  }
  void [verdict, text];
}

export const args: string[] = buildPiSkillArgs(['-p'], process.env, enumerateSkillDirs(['/x']), piForceSkillNames());
mountFleet(new Command('mosaic'), { groups: ['fleet', 'agent'], binary: '/x' });
export const clash = CommandClashError;
`;

test('a consumer is checked strictly, as a module of either kind', () => {
  expect(checked(CONSUMER, 'consumer.mts', 'consumer.cts')).toBe('');
});
