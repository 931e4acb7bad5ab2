// The scenarios that every door of the library replays, through this one.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fleet from '@mosaicstack/fleet';
import { Fleet, FleetError, MemoryTransport } from '@mosaicstack/fleet';
import { describe, expect, test } from 'vitest';
import { toCore } from '../dist/keys.js';
import { Home, WORKSPACE } from './home.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Fields = { [name: string]: Json };

interface Step {
  call?: string;
  free?: string;
  memory?: string;
  arguments?: Fields;
  answer?: Json;
  error?: Json;
  keep?: Record<string, string>;
  until?: boolean;
}

interface File {
  roster?: string;
  scenarios: { name: string; agents?: string[]; steps: Step[] }[];
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function file(name: string): File {
  const path = join(WORKSPACE, 'mosaic-fleet', 'tests', 'scenarios', name);
  return JSON.parse(readFileSync(path, 'utf8')) as File;
}

/** What is wrong with `seen`, if it is not as `wanted`. */
function differs(wanted: Json, seen: Json | undefined): string | undefined {
  const complaint = `wanted ${JSON.stringify(wanted)}, seen ${JSON.stringify(seen)}`;
  if (wanted === '*') {
    return seen === null || seen === undefined ? complaint : undefined;
  }
  if (Array.isArray(wanted)) {
    const same = Array.isArray(seen) && seen.length === wanted.length;
    return same ? wanted.map((one, at) => differs(one, seen[at])).find(Boolean) : complaint;
  }
  if (wanted === null || typeof wanted !== 'object') {
    return wanted === (seen ?? null) ? undefined : complaint;
  }
  if ('$has' in wanted) {
    const part = wanted.$has as Json;
    const has = Array.isArray(seen)
      ? seen.some((one) => differs(part, one) === undefined)
      : typeof seen === 'string' && typeof part === 'string' && seen.includes(part);
    return has ? undefined : complaint;
  }
  if (seen === null || typeof seen !== 'object' || Array.isArray(seen)) {
    return complaint;
  }
  const fields = Object.entries(wanted).map(([name, field]) => {
    const difference = differs(field, seen[name]);
    return difference && `${name}: ${difference}`;
  });
  return fields.find(Boolean);
}

/** `$NAME` becomes what was kept under that name. */
function filled(value: Json, kept: Fields): Json {
  if (typeof value === 'string' && value.startsWith('$') && value.slice(1) in kept) {
    return kept[value.slice(1)] as Json;
  }
  if (Array.isArray(value)) {
    return value.map((one) => filled(one, kept));
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, filled(field, kept)]));
  }
  return value;
}

/** An operation's arguments, in the order of the method's own. */
function positional(operation: string, given: Fields): unknown[] {
  const args = Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), value]));
  const { agent, text, names, agents, states, receipt, name, ...rest } = args;
  switch (operation) {
    case 'send':
      return [agent, text, rest];
    case 'send_each':
      return [agents ?? (rest.all ? 'all' : { class: rest.class }), text, agents ? rest : {}];
    case 'wait':
      return [agent, states, rest];
    case 'outcome':
      return [receipt];
    case 'status':
    case 'start':
    case 'stop':
    case 'restart':
    case 'drain':
      return [names ?? [], rest];
    case 'roster_parse':
      return [text, rest];
    case 'roster_add':
      return [text, Object.fromEntries(Object.entries(agent as Fields).map(([key, value]) => [camel(key), value]))];
    case 'roster_remove':
      return [text, name];
    default:
      return agent === undefined ? [rest] : [agent, rest];
  }
}

function memoryArguments(operation: string, { agent, ...rest }: Fields): unknown[] {
  switch (operation) {
    case 'set_draft':
      return [agent, rest.text ?? null];
    case 'set_reachable':
      return [rest.reachable];
    case 'ask':
      return [agent, rest.text, rest.choices ?? []];
    default:
      return [agent, ...Object.values(rest)];
  }
}

/** Calls what a step names; answers as the core names it. */
async function ask(step: Step, args: Fields, opened: Fleet, memory?: MemoryTransport): Promise<[string, Json]> {
  const [object, operation, given]: [object, string, unknown[]] = step.call
    ? [opened, step.call, positional(step.call, args)]
    : step.free
      ? [fleet, step.free, positional(step.free, args)]
      : [memory as object, step.memory as string, memoryArguments(step.memory as string, args)];
  const method = (object as Record<string, (...args: unknown[]) => unknown>)[camel(operation)];
  if (!method) {
    // The idiomatic layer has no such method, which is its way to say so.
    return ['error', { code: 'invalid_argument', message: `no such operation "${operation}"` }];
  }
  try {
    const answer = (await method.apply(object, given)) ?? null;
    return ['answer', (typeof answer === 'object' ? toCore(answer) : answer) as Json];
  } catch (error) {
    if (!(error instanceof FleetError)) {
      throw error;
    }
    return ['error', toCore(error.toJSON()) as Json];
  }
}

async function replay(steps: Step[], opened: Fleet, memory?: MemoryTransport): Promise<void> {
  const kept: Fields = {};
  for (const [at, step] of steps.entries()) {
    const wanted = 'error' in step ? 'error' : 'answer';
    let difference: string | undefined;
    let seen: Json = null;
    for (let asked = 0; asked < (step.until ? 600 : 1); asked += 1) {
      if (asked > 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const [key, answer] = await ask(step, filled(step.arguments ?? {}, kept) as Fields, opened, memory);
      seen = answer;
      difference = undefined;
      if (key !== wanted) {
        difference = `it was an ${key}: ${JSON.stringify(answer)}`;
      } else if (key in step) {
        difference = differs(filled(step[wanted] as Json, kept), answer);
      }
      if (difference === undefined) {
        break;
      }
    }
    expect(difference, `step ${at + 1}: ${JSON.stringify(step)}`).toBeUndefined();
    for (const [name, field] of Object.entries(step.keep ?? {})) {
      kept[name] = (seen as Fields)[field] as Json;
    }
  }
}

describe('on the memory transport', () => {
  const { scenarios } = file('memory.json');
  test.each(scenarios)('$name', async ({ agents, steps }) => {
    const memory = new MemoryTransport({ agents: agents ?? [] });
    await replay(steps, Fleet.of(memory), memory);
  });
});

describe('on a real tmux', () => {
  const { roster, scenarios } = file('tmux.json');
  for (const { name, steps } of scenarios) {
    const home = new Home();
    test(name, async () => {
      const { MOSAIC_HOME: _, MOSAIC_TMUX_SOCKET: __, ...environment } = home.environment;
      const opened = await Fleet.open({ rosterText: roster ?? '', socket: home.socket, environment });
      await replay(steps, opened);
      await opened.close();
    });
  }
});
