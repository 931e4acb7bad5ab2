// One call of the native layer: its arguments, its news, its end, and how it is given up.

import { opened, type Envelope } from './error.js';
import { fromCore, toCore } from './keys.js';
import { native, type Cancellation, type NewsFunction } from './native.js';

/** What every call takes. */
export interface CallOptions {
  /**
   * Gives the call up: it rejects with `signal.reason`. What was typed by then stays typed, and nothing
   * more is.
   */
  signal?: AbortSignal | undefined;
}

type Begin = (
  args: string,
  news: NewsFunction | null,
  cancellation: Cancellation | null,
) => Promise<string | null>;

/** Calls, with arguments and answer as the core names them. */
export async function invoke(
  begin: Begin,
  args: Record<string, unknown>,
  signal?: AbortSignal,
  onNews?: (news: unknown) => void,
): Promise<unknown> {
  signal?.throwIfAborted();
  const news = onNews && new News(onNews);
  const cancellation = signal ? new native.Cancellation() : null;
  const begun = begin(JSON.stringify(toCore(args)), news?.take ?? null, cancellation);
  const text = signal && cancellation ? await unlessAborted(begun, signal, cancellation) : await begun;
  const envelope = JSON.parse(text as string) as Envelope;
  await news?.all(envelope.news ?? 0);
  return opened(envelope);
}

/** As {@link invoke}, with the answer as JavaScript names it. */
export async function ask<T>(
  begin: Begin,
  args: object,
  signal?: AbortSignal,
  onNews?: (news: never) => void,
): Promise<T> {
  const told = onNews as ((news: unknown) => void) | undefined;
  const tell = told && ((news: unknown) => told(fromCore(news)));
  return fromCore(await invoke(begin, args as Record<string, unknown>, signal, tell)) as T;
}

async function unlessAborted<T>(
  begun: Promise<T>,
  signal: AbortSignal,
  cancellation: Cancellation,
): Promise<T> {
  let give: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    give = () => {
      cancellation.cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', give, { once: true });
  });
  try {
    return await Promise.race([begun, aborted]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** News of a call: told in order, all of them before the call ends, and never through a throw. */
class News {
  private taken = 0;
  private failure: { error: unknown } | undefined;
  private enough: (() => void) | undefined;
  private wanted = 0;

  constructor(private readonly tell: (news: unknown) => void) {}

  readonly take = (news: string): void => {
    this.taken += 1;
    if (!this.failure) {
      try {
        this.tell(JSON.parse(news));
      } catch (error) {
        this.failure = { error };
      }
    }
    if (this.taken >= this.wanted) {
      this.enough?.();
    }
  };

  /** Returns when `count` were told; throws what the callback threw. */
  async all(count: number): Promise<void> {
    if (this.taken < count) {
      await new Promise<void>((resolve) => {
        this.wanted = count;
        this.enough = resolve;
      });
    }
    if (this.failure) {
      throw this.failure.error;
    }
  }
}
