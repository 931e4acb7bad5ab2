// The one error of the package, and the envelope in which the native layer answers.

/** What went wrong, in words that do not change between releases or languages. */
export type ErrorCode =
  | 'unexpected'
  | 'unsupported'
  | 'invalid_argument'
  | 'config_invalid'
  | 'agent_not_found'
  | 'refused'
  | 'unavailable'
  | 'permission_denied'
  | 'unauthenticated'
  | 'rate_limited'
  | 'timeout'
  | 'delivery_unknown'
  | 'closed'
  | 'plugin';

/** Why nothing was typed (`refused`), or how far a send got (`delivery_unknown`). */
export type ErrorReason =
  | 'draft'
  | 'dialog'
  | 'dead'
  | 'not_ready'
  | 'wrong_program'
  | 'in_mode'
  | 'unsafe_text'
  | 'locked'
  | 'busy'
  | 'persistent'
  | 'no_question'
  | 'pasted'
  | 'key_pressed';

/** Every code, in the order of their numbers, of which the first is 1. */
export const ERROR_CODES: readonly ErrorCode[] = [
  'unexpected',
  'unsupported',
  'invalid_argument',
  'config_invalid',
  'agent_not_found',
  'refused',
  'unavailable',
  'permission_denied',
  'unauthenticated',
  'rate_limited',
  'timeout',
  'delivery_unknown',
  'closed',
  'plugin',
];

/** An error inside a document: what happened to one agent of several. */
export interface ErrorDocument {
  code: ErrorCode;
  number: number;
  message: string;
  operation: string | null;
  agent: string | null;
  transport: string | null;
  /** Whether calling again can help. */
  retry: 'never' | 'safe' | { afterMs: number };
  reason: ErrorReason | null;
  hint: string | null;
}

/** What a {@link FleetError} is made of. A code and a message are enough. */
export interface ErrorFields {
  code: ErrorCode;
  message: string;
  reason?: ErrorReason | null;
  hint?: string | null;
  retry?: ErrorDocument['retry'];
  operation?: string | null;
  agent?: string | null;
  transport?: string | null;
}

/**
 * What every call of this package rejects with, but for what an `AbortSignal` was aborted with and what
 * a callback of yours threw.
 *
 * A transport of your own may throw one: its code, reason, hint and retry are kept.
 */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The code as a number, the same in every language. */
  readonly number: number;
  /** Calling again is harmless and may succeed. */
  readonly retryable: boolean;
  /** Not before this many milliseconds, where the other side said so. */
  readonly retryAfterMs?: number;
  /** Why nothing was typed, or how far a send got. */
  readonly reason: ErrorReason | null;
  /** What to do next. */
  readonly hint: string | null;
  /** The operation that failed. */
  readonly operation: string | null;
  /** The agent it was about. */
  readonly agent: string | null;
  /** The transport it went through, for example `tmux:mosaic-factory`. */
  readonly transport: string | null;
  /** The sentence without its context; `message` has both. */
  readonly detail: string;

  constructor(fields: ErrorFields, options?: { cause?: unknown }) {
    super(sentence(fields), options);
    this.code = fields.code;
    this.number = ERROR_CODES.indexOf(fields.code) + 1 || 1;
    const retry = fields.retry ?? 'never';
    this.retryable = retry !== 'never';
    if (typeof retry === 'object') {
      this.retryAfterMs = retry.afterMs;
    }
    this.reason = fields.reason ?? null;
    this.hint = fields.hint ?? null;
    this.operation = fields.operation ?? null;
    this.agent = fields.agent ?? null;
    this.transport = fields.transport ?? null;
    this.detail = fields.message;
  }

  /** As a document tells of it. */
  toJSON(): ErrorDocument {
    const { code, number, detail: message, operation, agent, transport, reason, hint } = this;
    const { retryable, retryAfterMs } = this;
    const after = retryAfterMs === undefined ? 'safe' : { afterMs: retryAfterMs };
    const retry = retryable ? after : 'never';
    return { code, number, message, operation, agent, transport, retry, reason, hint };
  }

  /** The error that a document tells of, to be thrown. */
  static from(document: ErrorDocument): FleetError {
    return new FleetError(document);
  }
}

/** `send coder9 via tmux:factory: no such agent`: as the core writes it. */
function sentence(fields: ErrorFields): string {
  const context = [fields.operation, fields.agent, fields.transport && `via ${fields.transport}`];
  const words = context.filter(Boolean).join(' ');
  return words ? `${words}: ${fields.message}` : fields.message;
}

/** An error as the native layer writes it. */
interface RawError extends Omit<ErrorDocument, 'retry'> {
  retry: 'never' | 'safe' | { after_ms: number };
}

/** What the native layer answers. */
export interface Envelope {
  ok?: unknown;
  error?: RawError;
  /** How many pieces of news were sent before it. */
  news?: number;
}

/** The answer that is in an envelope, or its error, thrown. */
export function opened(envelope: Envelope): unknown {
  if (envelope.error) {
    throw read(envelope.error);
  }
  return envelope.ok;
}

/** Reads the envelope in a native error's message, which is how a call that does not wait fails. */
export function thrown(error: unknown): unknown {
  if (error instanceof Error && error.message.startsWith('{"error"')) {
    return read((JSON.parse(error.message) as { error: RawError }).error);
  }
  return error;
}

function read(error: RawError): FleetError {
  const { retry, ...fields } = error;
  return new FleetError({
    ...fields,
    retry: typeof retry === 'object' ? { afterMs: retry.after_ms } : retry,
  });
}

/** Whatever a transport threw, as the core reads it. */
export function described(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) {
    return { code: 'plugin', message: `the transport threw ${word(error)}` };
  }
  const said = error as Partial<FleetError> & Error;
  const known = (ERROR_CODES as readonly unknown[]).includes(said.code);
  const fields: Record<string, unknown> = {
    code: known ? said.code : 'plugin',
    message: text(said.detail) ?? text(said.message) ?? 'the transport threw an error without words',
  };
  if (known) {
    fields.reason = text(said.reason);
    fields.hint = text(said.hint);
    if (typeof said.retryAfterMs === 'number' && said.retryAfterMs >= 0) {
      fields.retry = { after_ms: Math.ceil(said.retryAfterMs) };
    } else if (typeof said.retryable === 'boolean') {
      fields.retry = said.retryable ? 'safe' : 'never';
    }
  }
  return fields;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function word(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : `a value of type ${typeof value}`;
}
