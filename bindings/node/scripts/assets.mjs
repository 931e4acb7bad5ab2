// What the package carries of the core's own files, and where each is from.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The assets, by name, read from the core's sources in this workspace. */
export function assets(workspace) {
  const core = join(workspace, 'mosaic-fleet', 'src');
  const read = (...path) => readFileSync(join(core, ...path), 'utf8');
  const all = (folder, ending) => readdirSync(join(core, folder)).filter((name) => name.endsWith(ending));
  // The units' texts are made by code; these are what its own tests hold it to, for one example fleet.
  const unit = (name) =>
    read('supervise', 'snapshots', `mosaic_fleet__supervise__units__tests__${name}.snap`).replace(
      /^---\n.*?\n---\n/s,
      '',
    );
  return [
    ['units/mosaic-tmux-holder.service', unit('holder')],
    ['units/mosaic-agent@.service', unit('template')],
    ['roster.schema.json', read('roster', 'roster.schema.json')],
    ...all('profiles', '.yaml').map((name) => [`profiles/${name}`, read('profiles', name)]),
    ...all('shims', '.sh').map((name) => [`shims/${name}`, read('shims', name)]),
  ];
}
