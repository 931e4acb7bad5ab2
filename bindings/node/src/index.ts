// What the package exports.

export { Fleet } from './fleet.js';
export type { Environment, LifeOptions, OpenOptions, SendOptions, TailOptions, WatchEvent } from './fleet.js';
export type { CallOptions } from './call.js';
export { ERROR_CODES, FleetError } from './error.js';
export type { ErrorCode, ErrorDocument, ErrorFields, ErrorReason } from './error.js';
export { MemoryTransport } from './memory.js';
export type { Transport, TransportSender, TransportSendOptions } from './transport.js';
export { FleetStream } from './stream.js';
export {
  ciGuard,
  ciStatus,
  ciWait,
  laneBrief,
  profiles,
  rosterAdd,
  rosterParse,
  rosterRemove,
  rosterSchema,
  runtimes,
} from './services.js';
export type { CiGuardOptions, CiOptions, CiPipelines, CiWaitOptions, ServiceOptions } from './services.js';
export type * from './types.js';
