// `@mosaicstack/fleet/skills` for `import`.

export * from './skills.js';
