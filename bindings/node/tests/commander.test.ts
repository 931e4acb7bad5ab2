// The commands on somebody's commander program: in a process of its own where they run, in this one
// where they are only mounted.

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { BinaryNotFoundError, CommandClashError, findBinary, mountFleet } from '@mosaicstack/fleet/commander';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Home, PACKAGE, PROGRAM } from './home.js';

/** A host's program, as the launcher may be: with options and commands of its own. */
const HOST = `
import { Command } from 'commander';
import { mountFleet } from '@mosaicstack/fleet/commander';
const program = new Command('mosaic');
program.option('--json', 'as JSON').option('-p, --profile <name>', 'a profile').option('-m <x>', 'of the host');
program.command('hello').action(() => console.log('hello', JSON.stringify(program.opts())));
const agent = program.command('agent').description('agents of the host').option('--quiet-host');
agent.command('own <word>').action((word) => console.log('own', word));
mountFleet(program, JSON.parse(process.env.MOUNT ?? '{}'));
if (process.env.FROM === 'user') await program.parseAsync(process.argv.slice(1), { from: 'user' });
else await program.parseAsync(['node', 'mosaic', ...process.argv.slice(1)]);
`;

/** A program in the place of ours, which tells what it was given. */
const ECHO = '#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done\necho\n';

const home = new Home();

function host(args: string[], environment: Record<string, string> = {}) {
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', HOST, '--', ...args], {
    cwd: PACKAGE,
    env: { ...home.environment, ...environment },
    encoding: 'utf8',
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

describe('with our program', () => {
  beforeAll(() => {
    home.scripted({ a: {}, b: {} });
  });
  afterAll(() => void home.run('stop'));

  test('a host of 20 lines starts, asks and sends', () => {
    const started = host(['fleet', 'start']);
    expect(started).toMatchObject({ code: 0 });
    const status = host(['fleet', 'status', '--json']);
    expect(status).toMatchObject({ code: 0, err: '' });
    const document = JSON.parse(status.out) as { agents: { name: string }[] };
    expect(document.agents.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(host(['agent', 'send', 'a', '--no-preamble', '-m', '-x']).out).toMatch(/^a: submitted/);
    expect(host(['fleet', 'agent', 'send', 'b', '-m', 'x']).out).toMatch(/^b: submitted/);
    expect(host(['agent', 'tail', 'a']).out).toContain('-x');
    // The same as without the host.
    const names = ['agent', 'status', '--json'];
    const drop = (text: string) => text.replace(/"generated_at":"[^"]*"/, '');
    expect(drop(host(names).out)).toBe(drop(home.run(...names).out));
  });

  test.each<[string[], number]>([
    [['agent', 'send', 'a', '--no-such'], 3],
    [['agent', 'send'], 3],
    [['agent', 'send', 'a', '-m'], 3],
    [['agent', 'reset', 'a', '--clear', '--new'], 3],
    [['fleet', 'agent', 'send', '--no-such'], 3],
    [['fleet', 'status', '--no-such'], 2],
    [['fleet', 'nonsense'], 2],
    [['fleet'], 2],
    [['lane'], 2],
    [['lane', 'brief'], 2],
    [['ci', 'wait', '--no-such'], 2],
    [['agent', 'wait', 'a'], 2],
    [['agent', 'send', 'nobody', '-m', 'x'], 1],
  ])('%j exits %i, as without the host', (args, code) => {
    const words = args[0] === 'fleet' ? args.slice(1) : args;
    const ran = host(args);
    expect(ran.code).toBe(code);
    expect({ ...ran, code }).toEqual(home.run(...words));
  });
});

describe('with a program that tells what it was given', () => {
  let echo: string;
  beforeAll(() => {
    echo = home.write('echo', ECHO);
    spawnSync('chmod', ['755', echo]);
  });
  const given = (...args: string[]) => host(args, { MOSAIC_FLEET_BIN: echo }).out.trim();

  test.each<[string[], string]>([
    [['agent', 'send', 'a', '-m', 'two words'], '<agent><send><a><-m><two words>'],
    // Flags of the host's own, after our words.
    [['agent', 'send', '--json', '-p', 'x', 'a'], '<agent><send><--json><-p><x><a>'],
    [['agent', 'send', 'a', '-m', '--json'], '<agent><send><a><-m><--json>'],
    [['agent', 'send', 'a', '-m', '--help'], '<agent><send><a><-m><--help>'],
    [['agent', 'send', 'a', '--', '--json', '-m'], '<agent><send><a><--><--json><-m>'],
    [['agent', 'send', 'a', '-m', ''], '<agent><send><a><-m><>'],
    [['agent', 'send', 'send', 'agent'], '<agent><send><send><agent>'],
    // The host's, before them.
    [['--profile', 'agent', 'agent', 'send', 'a'], '<agent><send><a>'],
    [['-p', 'agent', '--json', 'ci', 'wait', 'o/r'], '<ci><wait><o/r>'],
    [['--profile=x', 'fleet', 'status'], '<status>'],
    [['agent', '--quiet-host', 'send', 'a'], '<agent><send><a>'],
    // Ours, between them.
    [['fleet', '--roster', 'status', 'status', '-q'], '<--roster><status><status><-q>'],
    [['fleet', 'agent', 'send', 'a', '--', 'b'], '<agent><send><a><--><b>'],
    [['agent', '--roster', 'send', 'send', 'a'], '<agent><send><--roster><send><a>'],
    [['lane', 'brief', 'o/r'], '<lane><brief><o/r>'],
  ])('%j', (args, expected) => {
    expect(given(...args)).toBe(expected);
    const user = host(args, { MOSAIC_FLEET_BIN: echo, FROM: 'user' });
    expect(user.out.trim()).toBe(expected);
  });

  test('what is the host\'s stays the host\'s', () => {
    expect(given('agent', 'own', 'x')).toBe('own x');
    expect(given('hello', '--json')).toBe('hello {"json":true}');
    expect(host(['agent', 'nonsense'], { MOSAIC_FLEET_BIN: echo }).code).toBe(1);
  });

  test('an exit code and a signal are handed up', () => {
    const code = home.write('code', '#!/bin/sh\nexit 4\n');
    const killed = home.write('killed', '#!/bin/sh\nkill -TERM $$\n');
    spawnSync('chmod', ['755', code, killed]);
    expect(host(['fleet', 'status'], { MOSAIC_FLEET_BIN: code }).code).toBe(4);
    expect(host(['fleet', 'status'], { MOSAIC_FLEET_BIN: killed }).code).toBe(143);
  });

  test('a signal is handed down', async () => {
    const trap = home.write('trap', '#!/bin/sh\ntrap "echo caught; exit 7" TERM\necho ready\nwhile :; do sleep 0.05; done\n');
    spawnSync('chmod', ['755', trap]);
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOST, '--', 'fleet', 'status'], {
      cwd: PACKAGE,
      env: { ...home.environment, MOSAIC_FLEET_BIN: trap },
    });
    let out = '';
    child.stdout.on('data', (piece: Buffer) => {
      out += piece.toString();
      if (out === 'ready\n') {
        child.kill('SIGTERM');
      }
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, out]).toEqual([7, 'ready\ncaught\n']);
  });

  test('a program that is not there is told', () => {
    const gone = host(['fleet', 'status'], { MOSAIC_FLEET_BIN: join(home.folder, 'gone') });
    expect(gone.code).toBe(127);
    expect(gone.err).toContain('MOSAIC_FLEET_BIN names');
    expect(() => findBinary({ binary: home.folder })).toThrow(BinaryNotFoundError);
    expect(findBinary({ environment: {} })).toBe(PROGRAM);
  });

  test('the option wins over the environment', () => {
    const mount = JSON.stringify({ binary: echo });
    const ran = host(['fleet', 'x'], { MOUNT: mount, MOSAIC_FLEET_BIN: '/gone' });
    expect(ran.out.trim()).toBe('<x>');
  });
});

describe('mounting', () => {
  /** What a program says of itself, without its ending this process. */
  function help(program: Command, ...words: string[]): string {
    const command = words.reduce(
      (at, word) => at.commands.find((sub) => sub.name() === word) as Command,
      program,
    );
    return command.helpInformation();
  }

  test('help tells of our commands and their flags', () => {
    const program = new Command('mosaic');
    mountFleet(program);
    expect(program.commands.map((command) => command.name())).toEqual(['fleet', 'agent', 'lane', 'ci']);
    expect(help(program, 'fleet')).toContain('install-systemd');
    const send = help(program, 'agent', 'send');
    expect(send).toContain('Usage: mosaic agent send');
    expect(send).toContain('--idempotency-key');
    expect(send).toMatch(/AGENT/i);
    const ran = host(['agent', 'send', '--help']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('--idempotency-key');
  });

  test('groups may be chosen', () => {
    const program = new Command();
    mountFleet(program, { groups: ['lane'] });
    expect(program.commands.map((command) => command.name())).toEqual(['lane']);
  });

  test('a clash is a named error, before anything is mounted', () => {
    const program = new Command('mosaic');
    const ci = program.command('ci');
    ci.command('status').alias('guard');
    expect(() => mountFleet(program)).toThrow(CommandClashError);
    expect(program.commands).toEqual([ci]);
    expect(ci.commands).toHaveLength(1);
    const other = new Command().addCommand(new Command('agent').addCommand(new Command('x').alias('send')));
    const clash = (() => {
      try {
        mountFleet(other);
      } catch (error) {
        return error as CommandClashError;
      }
      return undefined;
    })();
    expect(clash).toMatchObject({ name: 'CommandClashError', code: 'command_clash', command: 'agent send' });
    expect(() => mountFleet(other, { groups: ['fleet'] })).not.toThrow();
  });

  test('twice is a clash', () => {
    const program = new Command();
    mountFleet(program);
    expect(() => mountFleet(program)).toThrow(CommandClashError);
  });
});
