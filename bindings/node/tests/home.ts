// A home folder and a tmux server of one test file's own. Both go when the file is done, also after a
// failure.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..');
export const WORKSPACE = join(PACKAGE, '..', '..');
export const NATIVE = join(PACKAGE, 'build', 'testing.node');
export const PROGRAM = join(PACKAGE, 'platforms', 'linux-x64-gnu', 'bin', 'mosaic-fleet');

/** The agent of the tests: a program that plays an agent's composer. */
export const SCRIPTED_AGENT = join(PACKAGE, 'build', 'scripted-agent');

/** How the scripted agent is read, as a roster says it. */
const SCRIPTED = {
  launch: ['scripted-agent'],
  processes: ['scripted-agent'],
  queues: true,
  queued: [{ matches: '^  ⎿ Queued: ', in: 'above' }],
  dialog: [
    {
      matches: '^Do you want to proceed\\?$',
      waiting_for: 'permission',
      words: 'Do you want to proceed',
    },
  ],
  answer: { choice: '{n}', deny: 'Escape' },
  collapsed: ['\\[Pastedtext#\\d+(?:\\+\\d+lines)?\\]'],
  text: { trim: 'end', command_prefixes: '/!', refuse_trailing_backslash: true },
  clear: { key: 'C-u' },
  reset: {
    clear: { command: '/clear', proof: ['^✓ New session started$'] },
    new: { command: '/clear', proof: ['^✓ New session started$'] },
  },
  composer: {
    kind: 'rules',
    top: '^─{3,}',
    bottom: '^─{3,}$',
    prompt: '^❯ ?',
    continuation: '^  ',
    scrolled: '^─── ↑ \\d+ more',
  },
  busy: [{ matches: '^✽ Working…', in: 'above' }],
};

const homes: Home[] = [];

function removeAll(): void {
  for (const home of homes.splice(0)) {
    home.remove();
  }
}

afterAll(removeAll);
// Also where the runner ends before the file's end.
process.once('exit', removeAll);

export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'mfn-'));
  readonly socket = join(this.folder, 's');
  readonly environment: Record<string, string>;

  constructor() {
    const at = (name: string) => {
      const path = join(this.folder, name);
      mkdirSync(path);
      return path;
    };
    this.environment = {
      HOME: at('home'),
      TMPDIR: at('tmp'),
      TMUX_TMPDIR: at('tmux'),
      XDG_RUNTIME_DIR: at('run'),
      XDG_CONFIG_HOME: at('config'),
      XDG_STATE_HOME: at('state'),
      MOSAIC_HOME: at('mosaic'),
      MOSAIC_TMUX_SOCKET: this.socket,
      SHELL: '/bin/sh',
      LANG: 'C.UTF-8',
      PATH: process.env.PATH ?? '',
    };
    at('work');
    homes.push(this);
  }

  /** Writes a roster of scripted agents, and says where it is. */
  scripted(agents: Record<string, Record<string, unknown>>): string {
    const commands = Object.entries(agents).map(([name, script]) => {
      const log = join(this.folder, `${name}.log`);
      const command = [SCRIPTED_AGENT, '--script', JSON.stringify({ style: 'box', ...script, log })];
      return { name, class: 'worker', runtime: 'scripted', command };
    });
    const roster = { version: 1, runtimes: { scripted: SCRIPTED }, agents: commands };
    // JSON is YAML.
    return this.write('mosaic/fleet/roster.yaml', JSON.stringify(roster));
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Runs the program as a person would. */
  run(...args: string[]): { code: number | null; out: string; err: string } {
    const ran = spawnSync(PROGRAM, args, {
      cwd: join(this.folder, 'work'),
      env: this.environment,
      encoding: 'utf8',
    });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  }

  remove(): void {
    if (existsSync(this.socket)) {
      spawnSync('tmux', ['-S', this.socket, '-N', 'kill-server'], { env: this.environment });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks again until there is an answer, for what another process tells by no event. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let asked = 0; asked < 600; asked += 1) {
    const answer = await ask();
    if (answer !== undefined) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not so within a minute: ${what}`);
}

/** Runs a program of JavaScript in a process of its own. */
export function node(
  text: string,
  environment: Record<string, string> = {},
  ...args: string[]
): { code: number | null; signal: string | null; out: string; err: string } {
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', text, ...args], {
    cwd: PACKAGE,
    env: { PATH: process.env.PATH ?? '', MOSAIC_FLEET_NATIVE: NATIVE, ...environment },
    encoding: 'utf8',
    // One that does not end by itself is what some tests are about: it ends here, and fails.
    timeout: 40_000,
  });
  return { code: ran.status, signal: ran.signal, out: ran.stdout, err: ran.stderr };
}

