// Builds the package in place: the addon and the program of this platform, the assets, the TypeScript.
//
//   node scripts/build.mjs [--release] [--testing]
//
// `--testing` also builds what the tests need: the addon with the conformance suite, and the scripted
// agent.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assets } from './assets.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const workspace = join(root, '..', '..');
const release = process.argv.includes('--release');
const testing = process.argv.includes('--testing');
const libraries = { linux: 'libmosaic_fleet_node.so', darwin: 'libmosaic_fleet_node.dylib' };

function cargo(...args) {
  const profile = release ? ['--release'] : [];
  execFileSync('cargo', ['build', '--quiet', ...profile, ...args], { cwd: workspace, stdio: 'inherit' });
}

/** Where cargo puts what it has built. */
function target() {
  const told = execFileSync('cargo', ['metadata', '--format-version=1', '--no-deps', '--offline'], {
    cwd: workspace,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return join(JSON.parse(told).target_directory, release ? 'release' : 'debug');
}

/** Copies a binary without the debug symbols that nobody unpacks. */
function install(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  // A new file: what is mapped by a process that runs is not overwritten.
  rmSync(to, { force: true });
  copyFileSync(from, to);
  try {
    execFileSync('strip', process.platform === 'linux' ? ['--strip-debug', to] : ['-S', to]);
  } catch {
    console.error(`${to}: not stripped`);
  }
  chmodSync(to, 0o755);
}

function platform() {
  const { platform, arch } = process;
  const musl = platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  const name = [platform, arch, ...(platform === 'linux' ? [musl ? 'musl' : 'gnu'] : [])].join('-');
  const folder = join(root, 'platforms', name);
  if (!existsSync(folder)) {
    throw new Error(`no package for ${name}: add platforms/${name}/package.json`);
  }
  return folder;
}

const folder = platform();
const built = target();
const library = join(built, libraries[process.platform]);

if (testing) {
  cargo('-p', 'mosaic-fleet-node', '--features', 'testing');
  install(library, join(root, 'build', 'testing.node'));
  cargo('-p', 'mosaic-fleet', '--features', 'scripted-agent', '--bin', 'scripted-agent');
  install(join(built, 'scripted-agent'), join(root, 'build', 'scripted-agent'));
}
cargo('-p', 'mosaic-fleet-node');
install(library, join(folder, 'mosaic-fleet.node'));
cargo('-p', 'mosaic-fleet-cli');
install(join(built, 'mosaic-fleet'), join(folder, 'bin', 'mosaic-fleet'));

rmSync(join(root, 'assets'), { recursive: true, force: true });
for (const [name, text] of assets(workspace)) {
  const path = join(root, 'assets', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
for (const to of [root, folder]) {
  copyFileSync(join(workspace, 'LICENSE'), join(to, 'LICENSE'));
}
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root], {
  stdio: 'inherit',
});
