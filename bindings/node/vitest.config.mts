// The tests: against the built package, by its own name, with the addon that has the conformance suite.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Each file in a process of its own: the addon is loaded as a host loads it.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { MOSAIC_FLEET_NATIVE: fileURLToPath(new URL('build/testing.node', import.meta.url)) },
  },
});
