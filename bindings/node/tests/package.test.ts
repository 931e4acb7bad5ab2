// The package as it is installed: packed, unpacked in an empty folder, and run. Its assets and its README.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assets } from '../scripts/assets.mjs';
import { Home, PACKAGE, PROGRAM, WORKSPACE } from './home.js';

const home = new Home();
const folder = mkdtempSync(join(tmpdir(), 'mfn-pack-'));
const installed = join(folder, 'host');
const packed: string[] = [];

/** npm without a network, a user's settings, or scripts. */
function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: folder, npm_config_cache: join(folder, 'cache') },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

beforeAll(() => {
  const told = npm(PACKAGE, 'pack', '--json', '--workspaces', '--include-workspace-root', '--pack-destination', folder);
  const packs = JSON.parse(told) as { filename: string; files: { path: string }[] }[];
  packed.push(...packs.flatMap(({ files }) => files.map(({ path }) => path)));
  mkdirSync(installed);
  writeFileSync(join(installed, 'package.json'), '{"private":true}');
  const files = packs.map(({ filename }) => join(folder, filename.replace('@', '').replace('/', '-')));
  npm(installed, 'install', '--offline', ...files);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(words: string[], text: string) {
  const ran = spawnSync(process.execPath, [...words, '-e', text], {
    cwd: installed,
    env: home.environment,
    encoding: 'utf8',
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

test('it holds what it must, and nothing else', () => {
  for (const name of [
    'dist/index.js',
    'dist/index.mjs',
    'dist/index.d.ts',
    'dist/index.d.mts',
    'dist/commander.js',
    'dist/skills.js',
    'commands.json',
    'assets/roster.schema.json',
    'assets/units/mosaic-agent@.service',
    'assets/profiles/minimal.yaml',
    'assets/shims/agent-send.sh',
    'README.md',
    'LICENSE',
    'mosaic-fleet.node',
    'bin/mosaic-fleet',
  ]) {
    expect(packed).toContain(name);
  }
  const odd = packed.filter(
    (name) => !/^(dist|assets|bin)\/|^(package|commands)\.json$|^README\.md$|^LICENSE$|^mosaic-fleet\.node$/.test(name),
  );
  expect(odd).toEqual([]);
});

test('the addon of the package has no test code', () => {
  const text = `const fleet = require('@mosaicstack/fleet-linux-x64-gnu/mosaic-fleet.node');
    console.log(typeof fleet.Opening, typeof fleet.runConformance, typeof fleet.Services);`;
  expect(run([], text)).toEqual({ code: 0, out: 'function undefined undefined\n', err: '' });
});

test.each<[string, string[], string]>([
  ['import', ['--input-type=module'], `import { Fleet, MemoryTransport } from '@mosaicstack/fleet';`],
  ['require', [], `const { Fleet, MemoryTransport } = require('@mosaicstack/fleet');`],
])('by %s it sends a text from an empty folder', (_, words, head) => {
  const text = `${head}
    Fleet.of(new MemoryTransport({ agents: ['a'] })).send('a', 'x').then(({ verdict }) => console.log(verdict));`;
  expect(run(words, text)).toEqual({ code: 0, out: 'submitted\n', err: '' });
});

test('its program is found and runs', () => {
  const text = `import { findBinary } from '@mosaicstack/fleet/commander'; console.log(findBinary({ environment: {} }));`;
  const found = run(['--input-type=module'], text).out.trim();
  expect(found.startsWith(installed)).toBe(true);
  expect(statSync(found).mode & 0o111).not.toBe(0);
  const version = execFileSync(found, ['--version'], { encoding: 'utf8' });
  expect(version).toContain('mosaic-fleet 0.1.0');
});

test('without the platform\'s package the error says what to do', () => {
  const text = `try { require(${JSON.stringify(join(PACKAGE, 'dist', 'index.js'))}) } catch (error) { console.log(error.message) }`;
  const ran = spawnSync(process.execPath, ['-e', text], {
    cwd: folder,
    env: { ...home.environment, MOSAIC_FLEET_NATIVE: '/gone.node' },
    encoding: 'utf8',
  });
  expect(ran.stdout).toContain('/gone.node: MOSAIC_FLEET_NATIVE names it');
});

test('assets equal the core\'s own files', () => {
  const all = assets(WORKSPACE) as [string, string][];
  expect(all.length).toBeGreaterThanOrEqual(12);
  for (const [name, text] of all) {
    expect(readFileSync(join(PACKAGE, 'assets', name), 'utf8')).toBe(text);
    expect(text).not.toBe('');
  }
  const units = all.filter(([name]) => name.startsWith('units/'));
  expect(units.every(([, text]) => text.startsWith('# Written by') && text.includes('[Service]'))).toBe(true);
});

test('versions are one, and the lock names no host', () => {
  const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8')) as Record<string, unknown>;
  const main = read(PACKAGE, 'package.json');
  const platform = read(PACKAGE, 'platforms', 'linux-x64-gnu', 'package.json');
  expect(platform.version).toBe(main.version);
  expect(main.optionalDependencies).toEqual({ [String(platform.name)]: main.version });
  const cargo = readFileSync(join(WORKSPACE, 'Cargo.toml'), 'utf8');
  expect(cargo).toContain(`version = "${String(main.version)}"`);
  const lock = readFileSync(join(PACKAGE, 'package-lock.json'), 'utf8');
  expect(lock).not.toMatch(/"resolved": "http/);
});

describe('README', () => {
  const text = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language, body]) => ({ language, body }));

  test.each(blocks.map((block, at) => ({ ...block, at })).filter(({ language }) => language === 'js'))(
    'block $at runs and prints what it says',
    ({ at, body }) => {
      // Its modules are those of the package, since commander is the host's own.
      const ran = spawnSync(process.execPath, ['--input-type=module', '-e', body as string], {
        cwd: PACKAGE,
        env: home.environment,
        encoding: 'utf8',
      });
      expect({ code: ran.status, err: ran.stderr }).toEqual({ code: 0, err: '' });
      const said = blocks[at + 1];
      if (said?.language === 'text') {
        expect(ran.stdout).toBe(said.body);
      } else {
        expect(JSON.parse(ran.stdout)).toHaveProperty('version', 1);
      }
    },
  );

  test('its commands are there', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ body }) => body?.trim().split('\n'));
    expect(commands).toEqual(['npm install @mosaicstack/fleet', 'npm ci', 'npm run build', 'npm test']);
    const { scripts } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['build', 'test']));
    for (const path of ['native', 'src', 'platforms', 'assets', 'scripts/build.mjs']) {
      expect(text).toContain(path);
      expect(existsSync(join(PACKAGE, path))).toBe(true);
    }
    expect(existsSync(PROGRAM)).toBe(true);
  });
});
