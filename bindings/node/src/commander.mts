// `@mosaicstack/fleet/commander` for `import`.

export * from './commander.js';
