// The `mosaic-fleet` program: where it is, and how it is run in the place of a command.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants as os } from 'node:os';
import { delimiter, join } from 'node:path';
import { platformPackage } from './platform.js';

/** There is no `mosaic-fleet` to run. */
export class BinaryNotFoundError extends Error {
  override readonly name = 'BinaryNotFoundError';
  readonly code = 'binary_not_found';
}

const load = createRequire(__filename);

/**
 * The path of the `mosaic-fleet` program: the one that is named, that of `MOSAIC_FLEET_BIN`, the one in
 * this platform's package, or the first on `PATH`.
 */
export function findBinary(
  options: { binary?: string; environment?: Readonly<Record<string, string | undefined>> } = {},
): string {
  const { binary, environment = process.env } = options;
  for (const [named, who] of [
    [binary, 'the option `binary`'],
    [environment.MOSAIC_FLEET_BIN, 'MOSAIC_FLEET_BIN'],
  ]) {
    if (named) {
      if (!isProgram(named)) {
        throw new BinaryNotFoundError(`${who} names ${named}, which is no program that can be run`);
      }
      return named;
    }
  }
  const packed = packedBinary();
  if (packed) {
    return packed;
  }
  const folders = (environment.PATH ?? '').split(delimiter).filter(Boolean);
  const found = folders.map((folder) => join(folder, 'mosaic-fleet')).find(isProgram);
  if (found) {
    return found;
  }
  throw new BinaryNotFoundError(
    `no mosaic-fleet program: ${platformPackage()} is not installed and none is on PATH; ` +
      'install again without --omit=optional, or set MOSAIC_FLEET_BIN',
  );
}

function packedBinary(): string | undefined {
  try {
    const path = load.resolve(`${platformPackage()}/bin/mosaic-fleet`);
    return isProgram(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The signals that end a program, handed on to it. */
const HANDED_ON: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Runs a program on this process's own terminal; answers its exit code, 128 + n after a signal. */
export async function run(
  binary: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let child: ChildProcess | undefined;
  const handOn = (signal: NodeJS.Signals): void => void child?.kill(signal);
  // Before the program is there: a signal that came in between would end this process and leave it.
  for (const signal of HANDED_ON) {
    process.on(signal, handOn);
  }
  try {
    const started = spawn(binary, args, { stdio: 'inherit', env: { ...environment } });
    child = started;
    return await new Promise<number>((resolve, reject) => {
      started.once('error', reject);
      started.once('close', (code, signal) => resolve(code ?? 128 + (signal ? os.signals[signal] : 0)));
    });
  } finally {
    for (const signal of HANDED_ON) {
      process.removeListener(signal, handOn);
    }
  }
}
