/*
 * mosaic-fleet: run a durable fleet of AI coding agents, and deliver messages to them that you can trust.
 *
 * ABI.md says what holds for all of these functions: who owns what, what NULL means, threads, callbacks.
 * In short: every function returns an mf_code, 0 is well; *err, if you pass it, is an error of yours after a
 * failure; outputs are written on success only; what you were given, you free with the _free of its type.
 *
 * Written by cbindgen out of mosaic-fleet-ffi/src/c; do not edit:
 * UPDATE_HEADER=1 cargo test -p mosaic-fleet-ffi --test c header
 */

#ifndef MOSAIC_FLEET_H
#define MOSAIC_FLEET_H

#include <stddef.h>
#include <stdint.h>

// The version of the ABI that this header describes: `major << 16 | minor`.
#define MF_ABI_VERSION 65536

// Texts can be sent.
#define MF_CAN_SEND 1

// A busy agent's program holds messages, and the transport can tell (`MF_VERDICT_QUEUED`).
#define MF_CAN_QUEUE 2

// An idempotency key makes a send repeatable.
#define MF_CAN_IDEMPOTENT 4

// Conversations can be emptied.
#define MF_CAN_RESET_CLEAR 8

// New sessions can be begun.
#define MF_CAN_RESET_NEW 16

// Questions of agents can be answered.
#define MF_CAN_ANSWER 32

// One agent's state can be asked.
#define MF_CAN_STATUS 64

// Output can be read.
#define MF_CAN_TAIL 128

// Output can be read on from a cursor.
#define MF_CAN_TAIL_CURSOR 256

// All agents can be listed.
#define MF_CAN_LIST 512

// Long polls (`wait_ms`) can be asked for, and end on events instead of at their deadline.
#define MF_CAN_EVENTS 1024

// Why a call failed. Belongs to whom it was given to; freed by `mf_error_free`.
typedef struct mf_error mf_error;

// A fleet that was opened. Can be used from any thread; freed by `mf_fleet_free`.
typedef struct mf_fleet mf_fleet;

// Agents in this process, and the controls that play them. Freed by `mf_memory_free`.
typedef struct mf_memory mf_memory;

// The answer to a send: what is known, and from what. Freed by `mf_receipt_free`.
typedef struct mf_receipt mf_receipt;

// Where a transport's function says its answer. Valid until that function returns; never freed by it.
typedef struct mf_reply mf_reply;

// What a reset did. Freed by `mf_report_free`.
typedef struct mf_report mf_report;

// How agents were at one moment. Freed by `mf_status_free`.
typedef struct mf_status mf_status;

// A stream of JSON pieces. Holds its fleet open; freed by `mf_stream_free`.
typedef struct mf_stream mf_stream;

// A piece of an agent's output. Freed by `mf_tail_free`.
typedef struct mf_tail mf_tail;

// A transport, to open fleets over. Can be used from any thread; freed by `mf_transport_free`.
typedef struct mf_transport mf_transport;

// What became of a call: 0, the number of an error's kind, or a code that only C has (from 1000).
typedef uint32_t mf_code;

// Whether calling again can help.
typedef uint32_t mf_retry;

// How a fleet is opened. All zero but `struct_size`: as the command does it, from this process's
// environment.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // The roster's file; NULL: the one in the fleet's home.
  const char *roster;
  // The roster itself, as YAML, instead of a file; or NULL.
  const char *roster_text;
  // The transport's instance (the tmux socket), instead of the environment's and the roster's; or
  // NULL.
  const char *instance;
  // Variables as `KEY=VALUE`, up to a NULL, as `environ` has them. NULL: this process's own, read
  // during the call.
  const char *const *environment;
  // Yes: a connection is made for each call, as a command does, instead of being kept.
  uint32_t one_shot;
  // Zero.
  uint32_t reserved;
} mf_fleet_options;

// Options of a send.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who sends, as `host:session`, which puts a preamble before the text; NULL: no preamble.
  const char *from;
  // Calling again with the same key returns the first receipt and types nothing; or NULL.
  const char *idempotency_key;
  // The deadline of the whole call in milliseconds; 0: thirty seconds.
  uint64_t timeout_ms;
  // How long the agent may take to become ready for the text, in milliseconds; 0: a few seconds.
  uint64_t wait_ms;
  // How often the submit key may be repeated; 0: as usual, negative: never.
  int32_t key_repeats;
  // Yes: take the text although its first character makes the program run a command.
  uint32_t allow_command;
  // Yes: drop control characters instead of refusing the text.
  uint32_t strip_control;
  // Yes, without `from`: find out who sends, by the terminal that this process runs in.
  uint32_t preamble;
} mf_send_options;

// Which of a program's ways to forget is meant.
typedef uint32_t mf_reset_mode;

// Options of a reset.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // The first prompt afterwards; NULL: the roster's, empty: none.
  const char *kickstart;
  // The deadline of the whole call in milliseconds; 0: thirty seconds.
  uint64_t timeout_ms;
  // Which reset.
  mf_reset_mode mode;
  // Yes: reset a busy agent, or one whose conversation the roster protects, as well.
  uint32_t force;
} mf_reset_options;

// Options of a status or a list.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Yes: read no screens. Idle and working are not told apart then, at a fraction of the cost.
  uint32_t quick;
  // Zero.
  uint32_t reserved;
} mf_status_options;

// Options of a tail.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Only what came after this place of an earlier answer; or NULL.
  const char *cursor;
  // The most lines; 0: eighty.
  uint64_t lines;
  // With a cursor: wait so long for something new, in milliseconds; 0: do not wait.
  uint64_t wait_ms;
  // The deadline for reaching the backend in milliseconds; 0: thirty seconds.
  uint64_t timeout_ms;
  // Yes: keep colours and attributes as escape sequences.
  uint32_t escapes;
  // Zero.
  uint32_t reserved;
} mf_tail_options;

// What became of a text that was not refused.
typedef uint32_t mf_verdict;

// What kind of proof an answer stands on, weakest first.
typedef uint32_t mf_evidence;

// How an agent is.
typedef uint32_t mf_state;

// Where the receipt of a send goes.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Given to the functions as it is.
  void *context;
  // Gets the answer: a receipt, or an error and its code. Both belong to it. Runs exactly once.
  void (*call)(void *context, mf_code code, mf_receipt *receipt, mf_error *error);
  // Runs exactly once, after `call`; or NULL.
  void (*drop)(void *context);
} mf_receipt_callback;

// Where the answer of an operation goes.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Given to the functions as it is.
  void *context;
  // Gets the answer: JSON, or an error and its code. Both belong to it (`mf_string_free`,
  // `mf_error_free`). Runs exactly once.
  void (*call)(void *context, mf_code code, char *answer, mf_error *error);
  // Runs exactly once, after `call`; or NULL.
  void (*drop)(void *context);
  // Gets what goes on before the answer (the outcome of each agent's start), as JSON that is valid
  // until it returns; or NULL. Runs on a thread that others wait for: it must return soon.
  void (*news)(void *context, const char *news);
} mf_answer_callback;

// A text for an agent.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who it is for.
  const char *agent;
  // The text: `text_length` bytes, and a NUL after them.
  const char *text;
  // Without the NUL.
  size_t text_length;
  // Who sends, as `host:session`, to be rendered as `[host:session -> host:agent] `; or NULL.
  const char *from;
  // Or NULL.
  const char *idempotency_key;
  // When the answer is due, in milliseconds, without `wait_ms`.
  uint64_t timeout_ms;
  // How long the agent may take to become ready; 0: no longer than usual.
  uint64_t wait_ms;
  // How often the submit key may be repeated.
  uint32_t key_repeats;
  // 1: the text may begin with what the program runs as a command.
  uint32_t allow_command;
} mf_send_request;

// An agent is to forget its conversation.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who.
  const char *agent;
  // When the answer is due, in milliseconds.
  uint64_t timeout_ms;
  // Which reset.
  mf_reset_mode mode;
  // 1: also when it is busy.
  uint32_t force;
} mf_reset_request;

// How is an agent?
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who.
  const char *agent;
  // When the answer is due, in milliseconds, without `wait_ms`.
  uint64_t timeout_ms;
  // How long to wait for a change.
  uint64_t wait_ms;
  // Answer when the state is another; `MF_STATE_NONE`: at once.
  mf_state changed_from;
  // Zero.
  uint32_t reserved;
} mf_status_request;

// What does an agent show?
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who.
  const char *agent;
  // Only what came after it; or NULL.
  const char *cursor;
  // The most lines; with a cursor at least one.
  uint64_t lines;
  // When the answer is due, in milliseconds, without `wait_ms`.
  uint64_t timeout_ms;
  // With a cursor: how long to wait for something new.
  uint64_t wait_ms;
  // 1: keep escape sequences.
  uint32_t escapes;
  // Zero.
  uint32_t reserved;
} mf_tail_request;

// How are all agents?
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // When the answer is due, in milliseconds.
  uint64_t timeout_ms;
  // 1: tell idle from working. 0: only what is known without a look at each.
  uint32_t composer;
  // Zero.
  uint32_t reserved;
} mf_list_request;

// An agent's question is to be answered.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who.
  const char *agent;
  // Words that the question must have, or it is another one; or NULL.
  const char *expect;
  // When the answer is due, in milliseconds.
  uint64_t timeout_ms;
  // The choice's number, from 1; 0: deny.
  uint32_t choice;
  // Zero.
  uint32_t reserved;
} mf_answer_request;

// What became of an earlier send?
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // The receipt's id.
  const char *receipt;
  // When the answer is due, in milliseconds.
  uint64_t timeout_ms;
} mf_outcome_request;

// The functions of a transport. One that is NULL is an operation that is not supported. All of them
// may run on any thread, several at once, and say their answer with `mf_reply_...` before they
// return.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // `MF_ABI_VERSION`.
  uint32_t abi_version;
  // What it can do: `MF_CAN_...`, added up.
  uint32_t capabilities;
  // The largest body in bytes; 0: there is no limit.
  uint64_t max_message_bytes;
  // The best evidence a send can come back with.
  mf_evidence confirm;
  // Zero.
  uint32_t reserved;
  // The kind of transport, as a roster names it: a lower-case word.
  const char *scheme;
  // Which one of that kind; NULL: `local`.
  const char *instance;
  // Runs exactly once, after the last call of any other; or NULL.
  void (*drop)(void *context);
  // Gives a text to an agent, once: `mf_reply_receipt`.
  void (*send)(void *context, const mf_send_request *request, mf_reply *reply);
  // Makes an agent forget, and returns after its proof: `mf_reply_report`.
  void (*reset)(void *context, const mf_reset_request *request, mf_reply *reply);
  // How an agent is: `mf_reply_agent`, once.
  void (*status)(void *context, const mf_status_request *request, mf_reply *reply);
  // What an agent shows: `mf_reply_line`, `mf_reply_cursor`, `mf_reply_gap`.
  void (*tail)(void *context, const mf_tail_request *request, mf_reply *reply);
  // How all agents are: `mf_reply_agent` for each, or `mf_reply_done` when there are none.
  void (*list)(void *context, const mf_list_request *request, mf_reply *reply);
  // Answers an agent's question, and returns after its proof: `mf_reply_report`.
  void (*answer)(void *context, const mf_answer_request *request, mf_reply *reply);
  // What became of an earlier send: `mf_reply_receipt`, with its agent.
  void (*outcome)(void *context, const mf_outcome_request *request, mf_reply *reply);
  // Lets go of connections; later calls answer `MF_CODE_CLOSED`. Needs no reply.
  void (*close)(void *context, mf_reply *reply);
} mf_transport_vtable;

// What a send came to, as a transport tells it.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // A name for later questions (`outcome`); NULL: the library makes one.
  const char *id;
  // Who it was for. Needed by `outcome` alone.
  const char *agent;
  // What was seen, for people; or NULL.
  const char *detail;
  // What became of the text.
  mf_verdict verdict;
  // What kind of proof there is.
  mf_evidence evidence;
  // How often the submit key was pressed.
  uint32_t attempts;
  // Zero.
  uint32_t reserved;
} mf_receipt_fields;

// What a reset or an answer came to, as a transport tells it.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Of a reset: what the program was told, for example `/clear`; or NULL.
  const char *command;
  // Of an answer: what was asked; or NULL.
  const char *question;
  // Of an answer: what was answered, as it was shown; or NULL.
  const char *answer;
  // What was seen, for people; or NULL.
  const char *detail;
  // What kind of proof there is.
  mf_evidence evidence;
  // Zero.
  uint32_t reserved;
} mf_report_fields;

// How an agent is, as a transport tells it.
typedef struct {
  // `sizeof` this struct.
  size_t struct_size;
  // Who.
  const char *name;
  // What the state was read from, for people; or NULL.
  const char *evidence;
  // The program, as manifests call it (`claude`, `pi`); or NULL.
  const char *runtime;
  // The host it runs on, where it is not this one; or NULL.
  const char *host;
  // The question it asks, for `MF_STATE_WAITING`; or NULL.
  const char *question;
  // What it waits for (`permission`, `question`); or NULL.
  const char *waiting_for;
  // How it is.
  mf_state state;
  // Zero.
  uint32_t reserved;
} mf_agent_fields;

// Why nothing was typed.
typedef uint32_t mf_refusal;

// How far a send got before it was lost from sight.
typedef uint32_t mf_stage;

// It went well.
#define MF_CODE_OK 0

// A defect of the library or of something below it; please report it.
#define MF_CODE_UNEXPECTED 1

// The transport does not offer this operation or option.
#define MF_CODE_UNSUPPORTED 2

// The caller passed something that can never work.
#define MF_CODE_INVALID_ARGUMENT 3

// A roster, manifest, environment or host set-up is wrong.
#define MF_CODE_CONFIG_INVALID 4

// No agent of that name is known.
#define MF_CODE_AGENT_NOT_FOUND 5

// Nothing was typed, on purpose; `mf_error_reason` says why.
#define MF_CODE_REFUSED 6

// The backend cannot be reached.
#define MF_CODE_UNAVAILABLE 7

// The backend was reached and does not allow this.
#define MF_CODE_PERMISSION_DENIED 8

// The backend does not know who we are.
#define MF_CODE_UNAUTHENTICATED 9

// The backend asks us to slow down.
#define MF_CODE_RATE_LIMITED 10

// The deadline passed before anything irreversible was done.
#define MF_CODE_TIMEOUT 11

// Lost sight of a send after typing began: never send again without a look at the agent.
#define MF_CODE_DELIVERY_UNKNOWN 12

// The transport was closed, or its fleet was freed.
#define MF_CODE_CLOSED 13

// A transport or callback that is not the library's failed.
#define MF_CODE_PLUGIN 14

// A pointer that must point to something is NULL.
#define MF_CODE_NULL_POINTER 1000

// A text is not UTF-8.
#define MF_CODE_INVALID_UTF8 1001

// A handle was freed already, is of another type, or never was one.
#define MF_CODE_INVALID_HANDLE 1002

// A blocking function was called from a callback, whose thread must not block.
#define MF_CODE_WOULD_BLOCK 1003

// A struct or vtable is not of a version that this library can read.
#define MF_CODE_ABI_MISMATCH 1004

// A defect of the library; the call ended and the process lives. Please report it.
#define MF_CODE_PANIC 1005

// The agent program took this very text.
#define MF_VERDICT_SUBMITTED 1

// The agent is busy and its program holds the text for after the turn.
#define MF_VERDICT_QUEUED 2

// A store-and-forward transport holds it durably; no word from the agent yet.
#define MF_VERDICT_ACCEPTED 3

// It was typed and the submit key pressed, and nothing proves either way.
#define MF_VERDICT_UNCONFIRMED 4

// Nothing proves it.
#define MF_EVIDENCE_NONE 0

// A store-and-forward transport holds the message.
#define MF_EVIDENCE_STORED 1

// The composer emptied and the text stands above it.
#define MF_EVIDENCE_SCREEN 2

// The program's own transcript has the text.
#define MF_EVIDENCE_TRANSCRIPT 3

// The program itself reported the text.
#define MF_EVIDENCE_HOOK 4

// A protocol acknowledged it.
#define MF_EVIDENCE_PROTOCOL 5

// No state is meant; in an answer: one that this version has no number for.
#define MF_STATE_NONE 0

// The program runs and has not drawn its composer yet.
#define MF_STATE_STARTING 1

// The composer is there and nothing is being worked on.
#define MF_STATE_IDLE 2

// A turn is running.
#define MF_STATE_WORKING 3

// A turn is running and the program holds messages for after it.
#define MF_STATE_QUEUED 4

// It asked a question and waits for a person.
#define MF_STATE_WAITING 5

// The program has ended and its terminal still stands.
#define MF_STATE_DEAD 6

// In the roster, and nothing runs.
#define MF_STATE_STOPPED 7

// It runs, and what it does cannot be told.
#define MF_STATE_UNKNOWN 8

// The program's own default.
#define MF_RESET_MODE_DEFAULT 0

// Empty the conversation.
#define MF_RESET_MODE_CLEAR 1

// Begin a new session.
#define MF_RESET_MODE_NEW 2

// Somebody's unsubmitted text is in the composer.
#define MF_REFUSAL_DRAFT 1

// A question is open; a submit key would answer it.
#define MF_REFUSAL_DIALOG 2

// The agent's program has ended.
#define MF_REFUSAL_DEAD 3

// The program is up but its composer is not, or it is busy and cannot hold a message.
#define MF_REFUSAL_NOT_READY 4

// The terminal runs something else than the expected program.
#define MF_REFUSAL_WRONG_PROGRAM 5

// A person is reading in a mode that takes the keys.
#define MF_REFUSAL_IN_MODE 6

// The text would be altered, run as a command, or do harm.
#define MF_REFUSAL_UNSAFE_TEXT 7

// Another sender holds the agent.
#define MF_REFUSAL_LOCKED 8

// The agent is at work and the operation would discard it.
#define MF_REFUSAL_BUSY 9

// The roster protects this agent's conversation.
#define MF_REFUSAL_PERSISTENT 10

// The question to be answered is not open, or has no such choice.
#define MF_REFUSAL_NO_QUESTION 11

// The text may be in the composer; the submit key was not pressed.
#define MF_STAGE_PASTED 1

// The submit key was pressed.
#define MF_STAGE_KEY_PRESSED 2

// It will not help, or could do harm (a second delivery).
#define MF_RETRY_NEVER 0

// Nothing was done; calling again is harmless and may succeed.
#define MF_RETRY_SAFE 1

// As safe, but not before some time has passed.
#define MF_RETRY_AFTER 2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the ABI that the library has: `major << 16 | minor`. It is not the version of the
// package.
uint32_t mf_abi_version(void);

// The version of the package, for example `0.1.0`. Never freed.
const char *mf_version(void);

// What a code is called, for example `agent_not_found`; `unknown` for a number that is none.
// Never freed.
const char *mf_code_name(mf_code code);

// Takes back a text that was given out as `char *`. Does nothing for NULL.
mf_code mf_string_free(char *text);

// How many handles and texts were given out and not freed yet: for tests that look for leaks.
size_t mf_live_count(void);

// Frees an error. Does nothing for NULL.
mf_code mf_error_free(mf_error *error);

// The code that the failed call returned. `MF_CODE_INVALID_HANDLE` for what is no error.
mf_code mf_error_code(const mf_error *error);

// What went wrong, as one sentence without a full stop:
// `send coder9 via tmux:mosaic-factory: no such agent (did you mean coder0?)`.
// Valid until the error is freed; NULL for what is no error.
const char *mf_error_message(const mf_error *error);

// What to do next; NULL where there is no advice. Valid until the error is freed.
const char *mf_error_hint(const mf_error *error);

// Why nothing was typed (`draft`, `dialog`, ...), for `MF_CODE_REFUSED`, and how far a send got
// (`pasted`, `key_pressed`), for `MF_CODE_DELIVERY_UNKNOWN`; NULL otherwise.
// Valid until the error is freed.
const char *mf_error_reason(const mf_error *error);

// The operation that failed, or NULL. Valid until the error is freed.
const char *mf_error_operation(const mf_error *error);

// The agent that it is about, or NULL. Valid until the error is freed.
const char *mf_error_agent(const mf_error *error);

// The transport that it went through, or NULL. Valid until the error is freed.
const char *mf_error_transport(const mf_error *error);

// Whether calling again can help. `MF_RETRY_NEVER` for what is no error.
mf_retry mf_error_retry(const mf_error *error);

// How long to wait before calling again, in milliseconds, for `MF_RETRY_AFTER`; 0 otherwise.
uint64_t mf_error_retry_after_ms(const mf_error *error);

// The whole error as JSON: `{code, number, message, operation, agent, transport, retry, reason,
// hint}`. `*json` is freed by `mf_string_free`.
mf_code mf_error_json(const mf_error *error, char **json, mf_error **err);

// Opens the fleet that a roster describes. Reads files; talks to no backend. `options` may be NULL.
mf_code mf_fleet_open(const mf_fleet_options *options, mf_fleet **fleet, mf_error **err);

// Opens a fleet over a transport, which it shares. Without a roster in `options` (which may be NULL)
// the fleet has no agents of its own and talks to all that the transport has; a roster names the
// transport by its scheme.
mf_code mf_fleet_from_transport(const mf_transport *transport,
                                const mf_fleet_options *options,
                                mf_fleet **fleet,
                                mf_error **err);

// Makes another handle of the same fleet.
mf_code mf_fleet_clone(const mf_fleet *fleet, mf_fleet **clone, mf_error **err);

// Frees a handle of a fleet. With the last one its runtime ends, and what is under way is abandoned.
// Does nothing for NULL.
mf_code mf_fleet_free(mf_fleet *fleet);

// Lets go of the transport's connections, in order. Later calls answer `MF_CODE_CLOSED`; closing
// again is allowed. The handle still has to be freed.
mf_code mf_fleet_close(const mf_fleet *fleet, mf_error **err);

// Calls an operation by its name, with one JSON object of arguments (NULL: none), and gives its
// answer as JSON. `*answer` is freed by `mf_string_free`.
//
// The operations and their arguments are those of every binding: `bindings/README.md` lists them.
mf_code mf_fleet_call(const mf_fleet *fleet,
                      const char *operation,
                      const char *arguments,
                      char **answer,
                      mf_error **err);

// Calls an operation that needs no fleet: lanes and CI (`lane_brief`, `ci_wait`, `ci_status`,
// `ci_guard`), rosters as texts (`roster_parse`, `roster_add`, ...), `profiles`, `runtimes`.
//
// `arguments` is one JSON object (NULL: none). `environment` has variables as `KEY=VALUE`, up to a
// NULL; NULL: this process's own, read during the call. Logins and services are found by it.
// `*answer` is freed by `mf_string_free`.
mf_code mf_call(const char *operation,
                const char *arguments,
                const char *const *environment,
                char **answer,
                mf_error **err);

// Sends a text of `text_length` bytes to an agent, once, and says what is known of it. `options` may
// be NULL. `*receipt` is freed by `mf_receipt_free`.
//
// Nothing was typed when it answers `MF_CODE_REFUSED`. After `MF_CODE_DELIVERY_UNKNOWN`, or a receipt
// that is `MF_VERDICT_UNCONFIRMED`, look at the agent before you send again.
mf_code mf_fleet_send(const mf_fleet *fleet,
                      const char *agent_name,
                      const char *text,
                      size_t text_length,
                      const mf_send_options *options,
                      mf_receipt **receipt,
                      mf_error **err);

// Makes an agent of the roster forget its conversation, and gives it its first prompt. Returns after
// its proof. `options` may be NULL. `*report` is freed by `mf_report_free`.
mf_code mf_fleet_reset(const mf_fleet *fleet,
                       const char *agent_name,
                       const mf_reset_options *options,
                       mf_report **report,
                       mf_error **err);

// How agents are: those of `names` (`count` of them) or, with a count of 0, all of the roster and
// those that run besides. An agent that nothing runs for is stopped. `options` may be NULL.
// `*status` is freed by `mf_status_free`; look at its errors as well.
mf_code mf_fleet_status(const mf_fleet *fleet,
                        const char *const *names,
                        size_t count,
                        const mf_status_options *options,
                        mf_status **status,
                        mf_error **err);

// The agents that the transport has, by name, whatever the roster says. Fails loudly: an empty list
// means that it was asked and there are none. `options` may be NULL. `*status` is freed by
// `mf_status_free`.
mf_code mf_fleet_list(const mf_fleet *fleet,
                      const mf_status_options *options,
                      mf_status **status,
                      mf_error **err);

// What an agent shows: its last lines or, with a cursor, what came after it. `options` may be NULL.
// `*tail` is freed by `mf_tail_free`.
mf_code mf_fleet_tail(const mf_fleet *fleet,
                      const char *agent_name,
                      const mf_tail_options *options,
                      mf_tail **tail,
                      mf_error **err);

// The send's name for later questions (the operation `outcome`). Valid until the receipt is freed.
mf_code mf_receipt_id(const mf_receipt *receipt, const char **id, mf_error **err);

// Who it was for. Valid until the receipt is freed.
mf_code mf_receipt_agent(const mf_receipt *receipt, const char **agent, mf_error **err);

// The transport that took it, for example `tmux:mosaic-factory`. Valid until the receipt is freed.
mf_code mf_receipt_transport(const mf_receipt *receipt, const char **transport, mf_error **err);

// What became of the text. `MF_VERDICT_UNCONFIRMED`: do not send it again without a look.
mf_code mf_receipt_verdict(const mf_receipt *receipt, mf_verdict *verdict, mf_error **err);

// What kind of proof the verdict stands on.
mf_code mf_receipt_evidence(const mf_receipt *receipt, mf_evidence *evidence, mf_error **err);

// What was seen, for people. Valid until the receipt is freed.
mf_code mf_receipt_detail(const mf_receipt *receipt, const char **detail, mf_error **err);

// How often the submit key was pressed. The text itself is typed once.
mf_code mf_receipt_attempts(const mf_receipt *receipt, uint32_t *attempts, mf_error **err);

// How long it took from the call to the verdict, in milliseconds.
mf_code mf_receipt_elapsed_ms(const mf_receipt *receipt, uint64_t *elapsed_ms, mf_error **err);

// The whole receipt as JSON. `*json` is freed by `mf_string_free`.
mf_code mf_receipt_json(const mf_receipt *receipt, char **json, mf_error **err);

// Frees a receipt. Does nothing for NULL.
mf_code mf_receipt_free(mf_receipt *receipt);

// What the program was told, for example `/clear`; NULL where it knows no reset and was restarted
// instead. Valid until the report is freed.
mf_code mf_report_command(const mf_report *report, const char **command, mf_error **err);

// What kind of proof there is that the program did it.
mf_code mf_report_evidence(const mf_report *report, mf_evidence *evidence, mf_error **err);

// Why the first prompt was not taken, though the reset was done; NULL if it was, or if there is
// none. Valid until the report is freed.
mf_code mf_report_kickstart_error(const mf_report *report, const char **message, mf_error **err);

// The whole answer as JSON: `{agent, report, kickstart, kickstart_error, warnings}`. `*json` is
// freed by `mf_string_free`.
mf_code mf_report_json(const mf_report *report, char **json, mf_error **err);

// Frees a report. Does nothing for NULL.
mf_code mf_report_free(mf_report *report);

// How many agents there are.
mf_code mf_status_count(const mf_status *status, size_t *count, mf_error **err);

// An agent's name. Valid until the status is freed.
mf_code mf_status_name(const mf_status *status, size_t index, const char **name, mf_error **err);

// How an agent is.
mf_code mf_status_state(const mf_status *status, size_t index, mf_state *state, mf_error **err);

// What the state was read from, for people. Valid until the status is freed.
mf_code mf_status_evidence(const mf_status *status, size_t index, const char **evidence, mf_error **err);

// An agent's runtime (`claude`, `pi`, ...), or NULL. Valid until the status is freed.
mf_code mf_status_runtime(const mf_status *status, size_t index, const char **runtime, mf_error **err);

// An agent's class in the roster, or NULL. Valid until the status is freed.
mf_code mf_status_class(const mf_status *status, size_t index, const char **class_name, mf_error **err);

// The question that an agent asks, for `MF_STATE_WAITING`, or NULL. Valid until the status is freed.
mf_code mf_status_question(const mf_status *status, size_t index, const char **question, mf_error **err);

// 1 for an agent of the roster, 0 for one that runs besides (or in the answer to a list).
mf_code mf_status_in_roster(const mf_status *status, size_t index, uint32_t *in_roster, mf_error **err);

// How many things could not be asked. Where this is not 0, an agent may be told as unknown.
mf_code mf_status_error_count(const mf_status *status, size_t *count, mf_error **err);

// What could not be asked, and why, as a sentence. Valid until the status is freed.
mf_code mf_status_error(const mf_status *status, size_t index, const char **message, mf_error **err);

// The whole answer as JSON: what `mosaic-fleet status --json` prints, or an array for a list.
// `*json` is freed by `mf_string_free`.
mf_code mf_status_json(const mf_status *status, char **json, mf_error **err);

// Frees a status. Does nothing for NULL.
mf_code mf_status_free(mf_status *status);

// How many lines there are.
mf_code mf_tail_count(const mf_tail *tail, size_t *count, mf_error **err);

// A line, oldest first. Valid until the tail is freed.
mf_code mf_tail_line(const mf_tail *tail, size_t index, const char **line, mf_error **err);

// The cursor that the next call goes on from, or NULL. Valid until the tail is freed.
mf_code mf_tail_next(const mf_tail *tail, const char **next, mf_error **err);

// 1: output between the cursor and the first line was lost, or cannot be told to be complete.
mf_code mf_tail_gap(const mf_tail *tail, uint32_t *gap, mf_error **err);

// The whole answer as JSON: `{lines, next, gap}`. `*json` is freed by `mf_string_free`.
mf_code mf_tail_json(const mf_tail *tail, char **json, mf_error **err);

// Frees a tail. Does nothing for NULL.
mf_code mf_tail_free(mf_tail *tail);

// What an agent shows from now on, each piece as `{lines, next, gap}`. `arguments` is JSON:
// `{"agent": NAME}` and what the operation `tail` takes.
mf_code mf_fleet_follow(const mf_fleet *fleet, const char *arguments, mf_stream **stream, mf_error **err);

// How agents are, then each change, as `{agent, status}`; `{agent, error}` once for one that cannot
// be watched. `arguments` is JSON, or NULL for all of the roster: `{"names": [NAME]}`.
mf_code mf_fleet_watch(const mf_fleet *fleet, const char *arguments, mf_stream **stream, mf_error **err);

// Waits for the next piece. `*piece` is JSON and freed by `mf_string_free`; it is NULL when the
// stream has ended or was closed.
mf_code mf_stream_next(const mf_stream *stream, char **piece, mf_error **err);

// Ends a stream, also for a thread that waits in `mf_stream_next`. May be called from anywhere. The
// handle still has to be freed.
mf_code mf_stream_close(const mf_stream *stream, mf_error **err);

// Frees a stream. Does nothing for NULL.
mf_code mf_stream_free(mf_stream *stream);

// Sends as `mf_fleet_send` does, without waiting: the receipt goes to `callback`. When this function
// returns another code than `MF_CODE_OK`, the callback was not taken.
mf_code mf_fleet_send_async(const mf_fleet *fleet,
                            const char *agent_name,
                            const char *text,
                            size_t text_length,
                            const mf_send_options *options,
                            const mf_receipt_callback *callback,
                            mf_error **err);

// Calls an operation as `mf_fleet_call` does, without waiting: the answer goes to `callback`. When
// this function returns another code than `MF_CODE_OK`, the callback was not taken.
mf_code mf_fleet_call_async(const mf_fleet *fleet,
                            const char *operation,
                            const char *arguments,
                            const mf_answer_callback *callback,
                            mf_error **err);

// Makes agents in this process. `arguments` is JSON, or NULL: `{"agents": ["coder0"],
// "max_message_bytes": 1000}`, both optional.
mf_code mf_memory_open(const char *arguments, mf_memory **memory, mf_error **err);

// The transport to these agents, for `mf_fleet_from_transport`. Freed by `mf_transport_free`.
mf_code mf_memory_transport(const mf_memory *memory, mf_transport **transport, mf_error **err);

// Plays an agent's part by a control's name: `inbox`, `conversation`, `finish_turn`, `add_agent`
// (`{"agent": NAME}`), `set_state` (`state`), `say` and `set_draft` (`text`), `ask` (`text`,
// `choices`), `set_reachable` (`{"reachable": false}`). `answer` may be NULL, where it does not
// matter; `*answer` is JSON and freed by `mf_string_free`.
mf_code mf_memory_call(const mf_memory *memory,
                       const char *operation,
                       const char *arguments,
                       char **answer,
                       mf_error **err);

// Frees a handle of the agents. Transports to them go on. Does nothing for NULL.
mf_code mf_memory_free(mf_memory *memory);

// Makes another handle of the same transport.
mf_code mf_transport_clone(const mf_transport *transport, mf_transport **clone, mf_error **err);

// Frees a handle of a transport. Fleets over it go on. Does nothing for NULL.
mf_code mf_transport_free(mf_transport *transport);

// Makes a transport of functions in C. The table and its texts are copied. When this function
// answers another code than `MF_CODE_OK`, it has not taken `context`, and `drop` does not run.
// `*transport` is freed by `mf_transport_free`.
mf_code mf_transport_from_vtable(const mf_transport_vtable *vtable,
                                 void *context,
                                 mf_transport **transport,
                                 mf_error **err);

// Replies to `send` or `outcome`.
mf_code mf_reply_receipt(mf_reply *reply, const mf_receipt_fields *fields, mf_error **err);

// Replies to `reset` or `answer`.
mf_code mf_reply_report(mf_reply *reply, const mf_report_fields *fields, mf_error **err);

// Replies to `status`, once, or adds an agent to the reply to `list`, in any order.
mf_code mf_reply_agent(mf_reply *reply, const mf_agent_fields *fields, mf_error **err);

// Adds a line of `length` bytes to the reply to `tail`, oldest first, without its line end.
mf_code mf_reply_line(mf_reply *reply, const char *line, size_t length, mf_error **err);

// Says in the reply to `tail` where the next one goes on: a text of printable ASCII.
mf_code mf_reply_cursor(mf_reply *reply, const char *next, mf_error **err);

// Says in the reply to `tail` that output was lost before its first line.
mf_code mf_reply_gap(mf_reply *reply, mf_error **err);

// Says that a list or a tail without entries is meant: it was asked, and there are none.
mf_code mf_reply_done(mf_reply *reply, mf_error **err);

// Replies with an error: the number of an error's kind (1 to 14) and a sentence without a full stop.
// `MF_CODE_REFUSED` and `MF_CODE_DELIVERY_UNKNOWN` have functions of their own.
mf_code mf_reply_error(mf_reply *reply, mf_code code, const char *message, mf_error **err);

// Replies that there is no such agent, and suggests the nearest of `known` (`count` of them).
mf_code mf_reply_agent_not_found(mf_reply *reply,
                                 const char *name,
                                 const char *const *known,
                                 size_t count,
                                 mf_error **err);

// Replies that nothing was typed, on purpose.
mf_code mf_reply_refused(mf_reply *reply, mf_refusal refusal, const char *message, mf_error **err);

// Replies that typing began and its end was not seen.
mf_code mf_reply_delivery_unknown(mf_reply *reply, mf_stage stage, const char *message, mf_error **err);

// Adds to the error of this reply what to do next (an imperative sentence without a full stop; or
// NULL) and whether calling again can help, for `MF_RETRY_AFTER` after how many milliseconds.
mf_code mf_reply_advice(mf_reply *reply, const char *hint, mf_retry retry, uint64_t after_ms, mf_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MOSAIC_FLEET_H */
