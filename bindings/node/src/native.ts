// Finds and loads the native layer. Its types are private: what is promised is in the other files.

import { createRequire } from 'node:module';
import { platformPackage } from './platform.js';

/** Gives up a call that was begun with it. */
export interface Cancellation {
  cancel(): void;
}

export type NewsFunction = (news: string) => void;

export interface NativeTransport {
  readonly native: 'transport';
}

export interface NativeMemory {
  control(operation: string, args: string): string;
  transport(): NativeTransport;
}

export interface NativeStream {
  next(): Promise<string>;
  close(): void;
}

export interface NativeFleet {
  call(
    operation: string,
    args: string,
    news?: NewsFunction | null,
    cancellation?: Cancellation | null,
  ): Promise<string | null>;
  follow(args: string): NativeStream;
  watch(args: string): NativeStream;
}

export interface NativeOpening {
  add(scheme: string, transport: NativeTransport): void;
  open(options: string): Promise<NativeFleet | string>;
  openNow(options: string): NativeFleet;
}

/** What the addon exports. */
export interface Native {
  Cancellation: new () => Cancellation;
  MemoryTransport: new (options: string) => NativeMemory;
  Opening: new (builtin: boolean) => NativeOpening;
  Transport: {
    foreign(info: string, call: (operation: string, args: string) => Promise<string>): NativeTransport;
  };
  callFree(
    operation: string,
    args: string,
    environment: string,
    news?: NewsFunction | null,
    cancellation?: Cancellation | null,
  ): Promise<string | null>;
  skills(environment: string, operation: string, args: string): string;
}

const load = createRequire(__filename);

function find(): Native {
  const named = process.env.MOSAIC_FLEET_NATIVE;
  const from = named || `${platformPackage()}/mosaic-fleet.node`;
  try {
    return load(from) as Native;
  } catch (cause) {
    const advice = named
      ? 'MOSAIC_FLEET_NATIVE names it'
      : 'install again without --omit=optional, or set MOSAIC_FLEET_NATIVE to a .node file';
    throw new Error(`@mosaicstack/fleet cannot load its native part, ${from}: ${advice}`, { cause });
  }
}

/** The native layer. */
export const native: Native = find();
