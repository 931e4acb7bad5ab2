// What needs no fleet: lanes and CI over HTTP, rosters as texts, skills.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fleet from '@mosaicstack/fleet';
import { FleetError, type CiNews } from '@mosaicstack/fleet';
import { buildPiSkillArgs, enumerateSkillDirs, piForceSkillNames } from '@mosaicstack/fleet/skills';
import { expect, test } from 'vitest';
import { Home, node } from './home.js';
import { REPO, services } from './services.js';

const home = new Home();
const { servers, options } = services(home);

test('a lane is briefed', async () => {
  const brief = await fleet.laneBrief(REPO, options);
  expect(brief.candidates).toMatchObject([{ number: 2, title: 'Paint it', mentionedBy: [3] }]);
  expect(brief.underway).toMatchObject([{ number: 1, pulls: [{ number: 3, willClose: true }] }]);
  const wrong = fleet.laneBrief(REPO, { ...options, milestone: 'nonesuch' });
  await expect(wrong).rejects.toMatchObject({ name: 'FleetError', code: 'invalid_argument' });
});

test('pipelines are waited for, asked, and guard a branch', async () => {
  const news: CiNews[] = [];
  const waited = await fleet.ciWait(REPO, { ...options, numbers: [7], onNews: (told) => news.push(told) });
  expect(waited).toMatchObject({ result: 'success', pipelines: [{ number: 7, ended: true }], pending: [] });
  expect(JSON.stringify(news)).toContain('success');
  expect(await fleet.ciStatus(REPO, { ...options, numbers: [7, 8] })).toMatchObject({ pending: [8] });
  const guarded = await fleet.ciGuard({ ...options, repo: REPO, branch: 'main', purpose: 'merge' });
  expect(guarded.result).toBe('clear');
  servers.environment();
});

test('a wait for a pipeline is given up', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const waited = fleet.ciWait(REPO, {
    ...options,
    numbers: [8],
    timeout: '1h',
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(reason), 50);
  await expect(waited).rejects.toBe(reason);
  servers.environment();
});

test('rosters are read and changed as texts', async () => {
  const text = '# ours\nversion: 1\nagents:\n  - name: a # first\n';
  const spec = { name: 'b', modelHint: 'm', env: { KEY_ONE: 'x' }, resetBetweenTasks: true };
  const more = await fleet.rosterAdd(text, spec);
  expect(more).toContain('# first');
  const roster = await fleet.rosterParse(more);
  expect(roster.agents).toEqual([{ name: 'a' }, spec]);
  expect((await fleet.rosterParse(await fleet.rosterRemove(more, 'b'))).agents).toEqual([{ name: 'a' }]);
  const wrong = fleet.rosterParse('version: 1\nagents:\n  - nam: a\n', { origin: 'mine.yaml' });
  const error = (await wrong.catch((error: unknown) => error)) as FleetError;
  expect(error).toMatchObject({ name: 'FleetError', code: 'config_invalid' });
  expect(error.message).toContain('mine.yaml:3');
  expect(await fleet.rosterSchema()).toHaveProperty('properties.working_directory');
});

test('what is shipped is told', async () => {
  const profiles = await fleet.profiles();
  expect(profiles.map(({ name }) => name)).toEqual(['minimal', 'usc-software-factory', 'demo']);
  expect((await fleet.runtimes()).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['claude', 'codex', 'gemini', 'pi', 'shell']),
  );
});

/** A user with three skills: two of mosaic's, of which one is pi's own as well. */
function skills(): { env: Record<string, string>; at: (name: string) => string } {
  const user = new Home();
  const at = (name: string) => join(user.folder, name);
  for (const name of ['mosaic/skills/mosaic-tools', 'mosaic/skills/review', 'home/.pi/agent/skills/own']) {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(join(at(name), 'SKILL.md'), '---\nname: x\n---\n');
  }
  symlinkSync(at('mosaic/skills/review'), at('home/.pi/agent/skills/review'));
  mkdirSync(at('mosaic/skills/no-skill'));
  return { env: user.environment, at };
}

test('pi is given its skills as the launcher gives them', () => {
  const { env, at } = skills();
  const tools = ['--skill', at('mosaic/skills/mosaic-tools')];
  expect(buildPiSkillArgs(['-p', 'x'], env)).toEqual(['--no-skills', ...tools, '-p', 'x']);
  const all = buildPiSkillArgs([], { ...env, MOSAIC_PI_SKILL_MODE: 'all' });
  expect(all).toEqual(['--no-skills', ...tools, '--skill', at('mosaic/skills/review'), '--skill', at('home/.pi/agent/skills/own')]);
  const discover = { ...env, MOSAIC_PI_SKILL_MODE: 'discover', MOSAIC_PI_FORCE_SKILLS: 'review: mosaic-tools :' };
  expect(buildPiSkillArgs(['x'], discover)).toEqual([...tools, 'x']);
  expect(buildPiSkillArgs(['x'], { ...env, MOSAIC_PI_FORCE_SKILLS: '' })).toEqual(['--no-skills', 'x']);
  // What is given is taken instead of the defaults.
  const given = buildPiSkillArgs(['x'], { MOSAIC_PI_SKILL_MODE: 'all' }, ['/one'], ['/two', '/one'], []);
  expect(given).toEqual(['--no-skills', '--skill', '/one', '--skill', '/two', 'x']);
  const found = buildPiSkillArgs(['x'], { MOSAIC_PI_SKILL_MODE: 'discover' }, [], ['/two'], new Set(['/two']));
  expect(found).toEqual(['x']);
});

test('skills are enumerated, each real path once', () => {
  const { at } = skills();
  const roots = [at('gone'), at('mosaic/skills'), at('home/.pi/agent/skills')];
  expect(enumerateSkillDirs(roots)).toEqual([
    at('mosaic/skills/mosaic-tools'),
    at('mosaic/skills/review'),
    at('home/.pi/agent/skills/own'),
  ]);
});

test('forced skills: unset is not empty, and the process\'s variables are the default', () => {
  expect(piForceSkillNames({})).toEqual(['mosaic-tools']);
  expect(piForceSkillNames({ MOSAIC_PI_FORCE_SKILLS: '' })).toEqual([]);
  expect(piForceSkillNames({ MOSAIC_PI_FORCE_SKILLS: ' a ::b' })).toEqual(['a', 'b']);
  const ran = node(
    `import { piForceSkillNames } from '@mosaicstack/fleet/skills'; console.log(piForceSkillNames().join());`,
    { MOSAIC_PI_FORCE_SKILLS: 'x:y' },
  );
  expect(ran).toEqual({ code: 0, signal: null, out: 'x,y\n', err: '' });
});
