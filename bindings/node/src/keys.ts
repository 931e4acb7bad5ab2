// Names of fields: camelCase in JavaScript, snake_case in the core. What is somebody else's (variables
// of an environment, blocks of transports, manifests) keeps the names it has.

const THEIRS = new Set(['env', 'environment', 'blocks', 'runtimes']);

/** The fields of a roster that are its own; any other is the block of a transport. */
const ROSTER = new Set(['version', 'transport', 'working_directory', 'defaults', 'agents']);

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string): string =>
  name.replace(/(?!^)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** As the core names it. What is `undefined` is left out. */
export function toCore(value: unknown): unknown {
  return renamed(value, snake);
}

/** As JavaScript names it. */
export function fromCore(value: unknown): unknown {
  return renamed(value, camel);
}

/** A roster as JavaScript names it: blocks and manifests are as they were. */
export function rosterFromCore(value: unknown): unknown {
  const fields = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(
    fields.map(([name, field]) => (ROSTER.has(name) ? [camel(name), fromCore(field)] : [name, field])),
  );
}

function renamed(value: unknown, name: (name: string) => string): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => renamed(item, name));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.map(([key, field]) => [name(key), THEIRS.has(key) ? field : renamed(field, name)]),
  );
}
