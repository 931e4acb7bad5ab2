// `@mosaicstack/fleet/skills`: which skills there are, and the arguments by which pi is given them.
//
// Synchronous, as the launcher calls them. Every argument but the first has the launcher's default.

import { opened, type Envelope } from './error.js';
import { variables, type Environment } from './fleet.js';
import { toCore } from './keys.js';
import { native } from './native.js';

/**
 * pi's arguments: those that say which skills it has, then `runtimeArgs` as they are.
 *
 * By `MOSAIC_PI_SKILL_MODE` in `env`:
 * - default: `--no-skills`, by which pi looks for none itself, and `forced`;
 * - `all`: `--no-skills`, `discovered` and then `forced`;
 * - `discover`: of `forced` those that are not in `nativeRealPaths`, which pi finds itself.
 */
export function buildPiSkillArgs(
  runtimeArgs: readonly string[],
  env: Environment = process.env,
  discovered?: readonly string[],
  forced?: readonly string[],
  nativeRealPaths?: Iterable<string>,
): string[] {
  const paths = nativeRealPaths && [...nativeRealPaths];
  const args = { args: runtimeArgs, discovered, forced, nativeRealPaths: paths };
  return ask('skills_pi_args', args, env) as string[];
}

/**
 * The skills in these folders, root by root, each real path once. A root that is not there has none.
 */
export function enumerateSkillDirs(roots: readonly string[]): string[] {
  return ask('skills_enumerate', { roots }, {}) as string[];
}

/**
 * The names in `MOSAIC_PI_FORCE_SKILLS`: `mosaic-tools` where it is not set, none where it is empty.
 */
export function piForceSkillNames(env: Environment = process.env): string[] {
  return ask('skills_force_names', {}, env) as string[];
}

function ask(operation: string, args: Record<string, unknown>, env: Environment): unknown {
  const known = JSON.stringify(variables(env));
  const text = native.skills(known, operation, JSON.stringify(toCore(args)));
  return opened(JSON.parse(text) as Envelope);
}
