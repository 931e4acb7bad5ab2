// `@mosaicstack/fleet/commander`: the commands of `mosaic-fleet` on somebody's commander program.
//
// The commands are the program's own: each is run, not imitated. What is here finds the words that name
// one, and gives it the rest exactly as it was typed, whatever the host's own options are.

import type { Command, Help, ParseOptionsResult } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryNotFoundError, findBinary, run } from './binary.js';

export { BinaryNotFoundError, findBinary };

/** A command of ours has the name of one that is there already. Nothing was mounted. */
export class CommandClashError extends Error {
  override readonly name = 'CommandClashError';
  readonly code = 'command_clash';
  /** The words of the command, for example `agent send`. */
  readonly command: string;

  constructor(command: string) {
    super(`cannot mount \`${command}\`: there is a command of that name already`);
    this.command = command;
  }
}

export interface MountOptions {
  /** Which groups; all of them unless given. */
  groups?: readonly Group[];
  /** The `mosaic-fleet` program, instead of the one that is packed. */
  binary?: string;
  /** The program's variables; those of this process unless given. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** `fleet X` runs `mosaic-fleet X`; the others run `mosaic-fleet agent X` and so on. */
export type Group = 'fleet' | 'agent' | 'lane' | 'ci';

const GROUPS: readonly Group[] = ['fleet', 'agent', 'lane', 'ci'];

/** A command as `commands.json` tells of it. */
interface Told {
  name: string;
  aliases?: string[];
  about?: string;
  arguments?: { name: string; required?: boolean; variadic?: boolean; help?: string }[];
  options?: { flags: string; help?: string; choices?: string[]; default?: string }[];
  commands?: Told[];
}

/** All commands, and the options that each of them takes. */
type Tree = Required<Pick<Told, 'options' | 'commands'>>;

/** What a mounted command needs to know of itself. */
interface Mounted {
  told: Told;
  /** The words before what was typed after it. */
  words: string[];
  /** The group was there before: what it does not know is not ours. */
  merged: boolean;
  /** What was typed for it: options before its words that the host does not know, and the rest. */
  typed?: { before: string[]; after: string[] } | undefined;
}

/**
 * Mounts the groups `fleet`, `agent`, `lane` and `ci` on a program, merging into those that exist.
 * Output, flags and exit codes are those of `mosaic-fleet`; `process.exitCode` is set from it.
 *
 * Mount on the program that parses, before it does. Options of the program's own count before a
 * command's words; what comes after them is the command's.
 *
 * @throws {CommandClashError} before anything is mounted, when a command of ours is there already.
 */
export function mountFleet(program: Command, options: MountOptions = {}): void {
  const tree = JSON.parse(readFileSync(join(__dirname, '..', 'commands.json'), 'utf8')) as Tree;
  const groups = options.groups ?? GROUPS;
  const wanted = groups.map((group) => ({ group, told: toldOf(tree, group) }));
  const context = { mounted: new Map<Command, Mounted>(), everywhere: tree.options, options };
  const { mounted } = context;
  for (const { group, told } of wanted) {
    refuseClash(child(program, group), told, group);
  }
  for (const { group, told } of wanted) {
    const words = group === 'fleet' ? [] : [group];
    const existing = child(program, group);
    if (existing) {
      mounted.set(existing, { told: withGlobal(told, context), words, merged: true });
      for (const sub of told.commands ?? []) {
        mount(existing, sub, [...words, sub.name], context);
      }
    } else {
      mount(program, told, words, context);
    }
  }
  takeRawArguments(rootOf(program), mounted);
}

function toldOf(tree: Tree, group: Group): Told {
  if (group === 'fleet') {
    const about = 'Run the fleet: start, stop, status, verify, …';
    return { name: 'fleet', about, commands: tree.commands };
  }
  const told = tree.commands.find((command) => command.name === group);
  if (!told) {
    throw new Error(`commands.json has no ${group}`);
  }
  return told;
}

function refuseClash(existing: Command | undefined, told: Told, group: string): void {
  for (const sub of existing ? (told.commands ?? []) : []) {
    for (const name of [sub.name, ...(sub.aliases ?? [])]) {
      if (child(existing as Command, name)) {
        throw new CommandClashError(`${group} ${name}`);
      }
    }
  }
}

interface Context {
  mounted: Map<Command, Mounted>;
  /** The options that every command takes. */
  everywhere: NonNullable<Told['options']>;
  options: MountOptions;
}

function withGlobal(told: Told, { everywhere }: Context): Told {
  return { ...told, options: [...(told.options ?? []), ...everywhere] };
}

function mount(parent: Command, told: Told, words: string[], context: Context): void {
  const state: Mounted = { told: withGlobal(told, context), words, merged: false };
  const command = parent.command(told.name).description(told.about ?? '');
  command.aliases(told.aliases ?? []);
  // Nothing is left to parse: these only keep commander from having an opinion.
  command.allowUnknownOption().allowExcessArguments().helpOption(false).helpCommand(false);
  command.configureHelp(helpOf(command, state.told));
  command.action(() => runAs(command, state, context.options));
  context.mounted.set(command, state);
  for (const sub of told.commands ?? []) {
    mount(command, sub, [...words, sub.name], context);
  }
}

/** Arguments and options of a command are shown, and not parsed here. */
function helpOf(command: Command, told: Told): Partial<Help> {
  const shown = (told.options ?? []).map((option) => {
    const { flags, help, choices, default: unlessGiven } = option;
    const made = command.createOption(flags, help);
    if (choices) {
      made.choices(choices);
    }
    return unlessGiven === undefined ? made : made.default(unlessGiven);
  });
  const takes = (told.arguments ?? []).map(({ name, required, variadic, help }) => {
    const word = variadic ? `${name}...` : name;
    return command.createArgument(required ? `<${word}>` : `[${word}]`, help);
  });
  const usage = takes.map((argument) => {
    const word = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  const last = told.commands?.length ? '<command> [options]' : ['[options]', ...usage].join(' ');
  return {
    visibleOptions: () => shown,
    visibleArguments: () => takes,
    commandUsage: (shownFor: Command) => `${ancestors(shownFor)} ${last}`,
    subcommandTerm: (sub: Command) => [sub.name(), ...sub.aliases().slice(0, 1)].join('|'),
  };
}

function ancestors(command: Command): string {
  const names = [command.name()];
  for (let above = command.parent; above; above = above.parent) {
    names.unshift(above.name());
  }
  return names.join(' ');
}

async function runAs(command: Command, state: Mounted, options: MountOptions): Promise<void> {
  // A program that was mounted below another later on has only what commander left.
  const { before, after } = state.typed ?? { before: [], after: command.args };
  state.typed = undefined;
  if (after.length === 1 && (after[0] === '--help' || after[0] === '-h')) {
    command.outputHelp();
    return;
  }
  const environment = options.environment ?? process.env;
  let code: number;
  try {
    const binary = options.binary === undefined ? {} : { binary: options.binary };
    const program = findBinary({ ...binary, environment });
    code = await run(program, [...before, ...state.words, ...after], environment);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    code = error instanceof BinaryNotFoundError ? 127 : 126;
  }
  process.exitCode = code;
}

/**
 * Has the program that parses see only the words up to a command of ours, and keeps what comes after.
 * `parseOptions` is where commander sorts a host's options out of everything that was typed.
 */
function takeRawArguments(root: Command, mounted: Map<Command, Mounted>): void {
  const parseOptions = root.parseOptions.bind(root);
  root.parseOptions = (argv: string[]): ParseOptionsResult => {
    const found = findCommand(root, argv, mounted);
    if (!found) {
      return parseOptions(argv);
    }
    const host = parseOptions(found.hosts);
    const group = parseOptions(found.groups);
    // What the host does not know may be an option of ours, and is refused by the program if not.
    found.state.typed = {
      before: host.unknown,
      after: [...found.between, ...argv.slice(found.end)],
    };
    return { operands: [...host.operands, ...found.names], unknown: group.unknown };
  };
}

interface Found {
  state: Mounted;
  /** Options of the host's, before the first word. */
  hosts: string[];
  /** Options of a group that was there, after its word. */
  groups: string[];
  /** Options of ours that stand between a group that was there and a command of ours. */
  between: string[];
  /** The words. */
  names: string[];
  /** Where the words end. */
  end: number;
}

/** The command of ours that these arguments name, if they name one. */
function findCommand(
  root: Command,
  argv: readonly string[],
  mounted: ReadonlyMap<Command, Mounted>,
): Found | undefined {
  let command = root;
  let found: Found | undefined;
  const names: string[] = [];
  const hosts: string[] = [];
  const groups: string[] = [];
  const between: string[] = [];
  for (let at = 0; at < argv.length; ) {
    const word = argv[at] as string;
    const state = mounted.get(command);
    if (word.startsWith('-') && word !== '-') {
      // After the words of a command of ours, all is its own.
      if (word === '--' || (state && !state.merged)) {
        break;
      }
      const ours = state ? flagsOf(state.told) : [];
      const isOurs = names.length > 0 && ours.some((flag) => flag.names.includes(nameOf(word)));
      const width = widthOf(isOurs ? ours : hostFlags(command), argv, at);
      (isOurs ? between : names.length > 0 ? groups : hosts).push(...argv.slice(at, at + width));
      at += width;
      continue;
    }
    const next = child(command, word);
    if (!next) {
      break;
    }
    command = next;
    at += 1;
    names.push(word);
    const reached = mounted.get(command);
    if (reached && !reached.merged) {
      found = {
        state: reached,
        hosts: [...hosts],
        groups: [...groups],
        between: [...between],
        names: [...names],
        end: at,
      };
    }
  }
  return found;
}

const nameOf = (word: string): string =>
  word.startsWith('--') ? (word.split('=')[0] as string) : word.slice(0, 2);

/** A flag, and whether a value comes with it. */
interface Flag {
  names: string[];
  takes: 'none' | 'maybe' | 'one' | 'many';
}

/** The flags of a command of ours, from how they are written. */
function flagsOf(told: Told): Flag[] {
  return (told.options ?? []).map(({ flags }) => ({
    names: flags.split(/[ ,|]+/).filter((word) => word.startsWith('-')),
    takes: /</.test(flags) ? 'one' : 'none',
  }));
}

/** The flags that a host takes at this place: its own, and those of the commands above. */
function hostFlags(command: Command): Flag[] {
  const flags: Flag[] = [];
  for (let at: Command | null = command; at; at = at.parent) {
    for (const option of at.options) {
      const names = [option.short, option.long].filter((name) => name !== undefined);
      const one = option.required ? 'one' : option.optional ? 'maybe' : 'none';
      flags.push({ names, takes: option.variadic ? 'many' : one });
    }
  }
  return flags;
}

/** How many of the arguments a flag and its values are, as commander reads them. */
function widthOf(flags: readonly Flag[], argv: readonly string[], at: number): number {
  const word = argv[at] as string;
  const exact = flags.find((flag) => flag.names.includes(word));
  const short = word.startsWith('--') ? undefined : lastOfCluster(flags, word);
  const takes = exact?.takes ?? short?.takes ?? 'none';
  const value = (index: number): boolean => index < argv.length && !argv[index]?.startsWith('-');
  if (takes === 'one') {
    return 2;
  }
  if (takes === 'maybe') {
    return value(at + 1) ? 2 : 1;
  }
  let length = 1;
  while (takes === 'many' && value(at + length)) {
    length += 1;
  }
  return length;
}

/** In `-abc VALUE` the flag whose value may follow: the last, if those before take none. */
function lastOfCluster(flags: readonly Flag[], word: string): Flag | undefined {
  const letters = [...word.slice(1)].map((letter) =>
    flags.find((flag) => flag.names.includes(`-${letter}`)),
  );
  const last = letters.pop();
  return letters.every((flag) => flag?.takes === 'none') ? last : undefined;
}

function child(command: Command, name: string): Command | undefined {
  return command.commands.find((sub) => sub.name() === name || sub.aliases().includes(name));
}

function rootOf(command: Command): Command {
  let root = command;
  while (root.parent) {
    root = root.parent;
  }
  return root;
}
