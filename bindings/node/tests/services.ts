// Lanes and CI, asked of a forge and a CI service on the loopback.

import { createRequire } from 'node:module';
import { ciGuard, ciStatus, ciWait, laneBrief, type CiNews } from '@mosaicstack/fleet';
import { Home, NATIVE } from './home.js';

const { Services } = createRequire(import.meta.url)(NATIVE) as {
  Services: new () => { environment(): string };
};

export const REPO = 'acme/app';

/** What leads a call to servers of its own. */
export function services(home: Home) {
  const servers = new Services();
  const environment = { ...home.environment, ...JSON.parse(servers.environment()) } as Record<string, string>;
  return { servers, options: { environment, folder: home.folder } };
}

/** Documents of real calls, each with the name of its type. */
export async function documents(): Promise<[string, object][]> {
  const { options, servers } = services(new Home());
  const news: CiNews[] = [];
  const onNews = (told: CiNews) => void news.push(told);
  const all: [string, object][] = [
    ['LaneBrief', await laneBrief(REPO, options)],
    ['CiWaited', await ciWait(REPO, { ...options, numbers: [7], onNews })],
    ['CiWaited', await ciStatus(REPO, { ...options, numbers: [7, 8] })],
    ['CiGuarded', await ciGuard({ ...options, repo: REPO, branch: 'main', purpose: 'merge' })],
  ];
  servers.environment();
  return [...all, ...news.map((told): [string, object] => ['CiNews', told])];
}
