// Async iterators over the native streams.

import { opened, thrown, type Envelope } from './error.js';
import { fromCore } from './keys.js';
import type { NativeStream } from './native.js';

/**
 * What comes, piece by piece. `break`, `return()` and an aborted signal end it: a `for await` loop then
 * ends as at its natural end. One that is left without either holds its place until it is collected.
 */
export class FleetStream<T> implements AsyncIterableIterator<T> {
  readonly #open: () => NativeStream;
  readonly #signal: AbortSignal | undefined;
  readonly #end = (): void => this.#finish();
  #native: NativeStream | undefined;
  #done = false;

  /** @internal */
  constructor(open: () => NativeStream, signal?: AbortSignal) {
    this.#open = open;
    this.#signal = signal;
    if (signal?.aborted) {
      this.#done = true;
    } else {
      signal?.addEventListener('abort', this.#end, { once: true });
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) {
      return { done: true, value: undefined };
    }
    try {
      this.#native ??= this.#open();
      const answer = opened(JSON.parse(await this.#native.next()) as Envelope);
      if (answer !== null && !this.#done) {
        return { done: false, value: fromCore(answer) as T };
      }
    } catch (error) {
      this.#finish();
      throw thrown(error);
    }
    this.#finish();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finish();
    return { done: true, value: undefined };
  }

  #finish(): void {
    this.#done = true;
    this.#signal?.removeEventListener('abort', this.#end);
    this.#native?.close();
  }
}
