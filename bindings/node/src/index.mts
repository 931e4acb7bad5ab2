// The package for `import`: the very objects that `require` gives, so that there is one `FleetError`.

export * from './index.js';
