/* Every mistake that a caller can make and that can be told has a code, and breaks nothing. */
#include "check.h"

/* NULL for every pointer of every function that may not be NULL. */
static void null_everywhere(house h)
{
    mf_error *made = NULL;
    mf_receipt *receipt = NULL;
    mf_status *status = NULL;
    mf_tail *tail = NULL;
    mf_report *report = NULL;
    mf_stream *stream = NULL;
    const char *text = NULL;
    char *owned = NULL;
    uint32_t number = 0;
    uint64_t large = 0;
    size_t count = 0;

    GOES(mf_fleet_send(h.fleet, "coder0", "x", 1, NULL, &receipt, err));
    GOES(mf_fleet_status(h.fleet, NULL, 0, NULL, &status, err));
    GOES(mf_fleet_tail(h.fleet, "coder0", NULL, &tail, err));
    GOES(mf_fleet_watch(h.fleet, "{\"names\": []}", &stream, err));
    CHECK(mf_fleet_send(h.fleet, "nobody", "x", 1, NULL, NULL, &made) == MF_CODE_NULL_POINTER);

    FAILS(MF_CODE_NULL_POINTER, mf_fleet_open(NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_from_transport(NULL, NULL, &h.fleet, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_from_transport(h.transport, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_clone(NULL, &h.fleet, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_clone(h.fleet, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_close(NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call(NULL, "names", NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call(h.fleet, NULL, NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call(h.fleet, "names", NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_call(NULL, NULL, NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_call("runtimes", NULL, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send(NULL, "coder0", "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send(h.fleet, NULL, "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send(h.fleet, "coder0", NULL, 1, NULL, &receipt, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send(h.fleet, "coder0", NULL, 0, NULL, &receipt, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send(h.fleet, "coder0", "x", 1, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_reset(NULL, "coder0", NULL, &report, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_reset(h.fleet, NULL, NULL, &report, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_reset(h.fleet, "coder0", NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_status(NULL, NULL, 0, NULL, &status, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_status(h.fleet, NULL, 1, NULL, &status, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_status(h.fleet, &text, 1, NULL, &status, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_status(h.fleet, NULL, 0, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_list(NULL, NULL, &status, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_list(h.fleet, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_tail(NULL, "coder0", NULL, &tail, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_tail(h.fleet, NULL, NULL, &tail, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_tail(h.fleet, "coder0", NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_follow(NULL, NULL, &stream, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_follow(h.fleet, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_watch(NULL, NULL, &stream, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_watch(h.fleet, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_stream_next(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_stream_next(stream, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_stream_close(NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send_async(NULL, "coder0", "x", 1, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send_async(h.fleet, NULL, "x", 1, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send_async(h.fleet, "coder0", NULL, 1, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send_async(h.fleet, "coder0", "x", 1, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call_async(NULL, "names", NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call_async(h.fleet, NULL, NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call_async(h.fleet, "names", NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_transport_from_vtable(NULL, NULL, &h.transport, err));
    FAILS(MF_CODE_NULL_POINTER, mf_transport_clone(NULL, &h.transport, err));
    FAILS(MF_CODE_NULL_POINTER, mf_transport_clone(h.transport, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_memory_open(NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_memory_transport(NULL, &h.transport, err));
    FAILS(MF_CODE_NULL_POINTER, mf_memory_transport(h.memory, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_memory_call(NULL, "inbox", NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_memory_call(h.memory, NULL, NULL, &owned, err));

    FAILS(MF_CODE_NULL_POINTER, mf_receipt_id(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_id(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_agent(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_agent(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_transport(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_transport(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_verdict(NULL, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_verdict(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_evidence(NULL, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_evidence(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_detail(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_detail(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_attempts(NULL, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_attempts(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_elapsed_ms(NULL, &large, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_elapsed_ms(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_json(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_receipt_json(receipt, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_report_command(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_report_evidence(NULL, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_report_kickstart_error(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_report_json(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_count(NULL, &count, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_count(status, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_name(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_name(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_state(NULL, 0, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_state(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_evidence(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_evidence(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_runtime(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_runtime(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_class(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_class(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_question(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_question(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_in_roster(NULL, 0, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_in_roster(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_error_count(NULL, &count, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_error_count(status, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_error(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_error(status, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_json(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_status_json(status, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_count(NULL, &count, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_count(tail, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_line(NULL, 0, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_line(tail, 0, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_next(NULL, &text, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_next(tail, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_gap(NULL, &number, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_gap(tail, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_json(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_tail_json(tail, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_error_json(NULL, &owned, err));
    FAILS(MF_CODE_NULL_POINTER, mf_error_json(made, NULL, err));

    FAILS(MF_CODE_NULL_POINTER, mf_reply_receipt(NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_report(NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_agent(NULL, NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_line(NULL, "x", 1, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_cursor(NULL, "x", err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_gap(NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_done(NULL, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_error(NULL, MF_CODE_TIMEOUT, "x", err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_agent_not_found(NULL, "x", NULL, 0, err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_refused(NULL, MF_REFUSAL_DEAD, "x", err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_delivery_unknown(NULL, MF_STAGE_PASTED, "x", err));
    FAILS(MF_CODE_NULL_POINTER, mf_reply_advice(NULL, NULL, MF_RETRY_NEVER, 0, err));

    /* What reads an error answers something harmless. */
    CHECK(mf_error_code(NULL) == MF_CODE_INVALID_HANDLE);
    CHECK(mf_error_message(NULL) == NULL && mf_error_hint(NULL) == NULL);
    CHECK(mf_error_reason(NULL) == NULL && mf_error_operation(NULL) == NULL);
    CHECK(mf_error_agent(NULL) == NULL && mf_error_transport(NULL) == NULL);
    CHECK(mf_error_retry(NULL) == MF_RETRY_NEVER && mf_error_retry_after_ms(NULL) == 0);
    GOES(mf_error_json(made, &owned, err));
    CHECK(strstr(owned, "\"code\":\"null_pointer\"") && strstr(owned, "\"number\":1000"));
    mf_string_free(owned);

    /* Freeing nothing is nothing. */
    CHECK(mf_fleet_free(NULL) == MF_CODE_OK && mf_transport_free(NULL) == MF_CODE_OK);
    CHECK(mf_memory_free(NULL) == MF_CODE_OK && mf_receipt_free(NULL) == MF_CODE_OK);
    CHECK(mf_report_free(NULL) == MF_CODE_OK && mf_status_free(NULL) == MF_CODE_OK);
    CHECK(mf_tail_free(NULL) == MF_CODE_OK && mf_stream_free(NULL) == MF_CODE_OK);
    CHECK(mf_error_free(NULL) == MF_CODE_OK && mf_string_free(NULL) == MF_CODE_OK);

    /* And nobody need take an error. */
    CHECK(mf_fleet_list(NULL, NULL, NULL, NULL) == MF_CODE_NULL_POINTER);

    mf_receipt_free(receipt);
    mf_status_free(status);
    mf_tail_free(tail);
    mf_stream_free(stream);
    mf_error_free(made);
}

static void wrong_and_freed_handles(house h)
{
    mf_receipt *receipt = NULL;
    mf_fleet *fleet = NULL;
    char *owned = NULL;
    const char *text = "as it was";
    int object = 0;

    GOES(mf_fleet_send(h.fleet, "coder0", "x", 1, NULL, &receipt, err));
    /* Of another type, in both directions. */
    FAILS(MF_CODE_INVALID_HANDLE, mf_receipt_id((mf_receipt *)(void *)h.fleet, &text, err));
    FAILS(MF_CODE_INVALID_HANDLE, mf_fleet_list((mf_fleet *)(void *)receipt, NULL, NULL, err));
    CHECK(mf_fleet_free((mf_fleet *)(void *)receipt) == MF_CODE_INVALID_HANDLE);
    CHECK(mf_error_free((mf_error *)(void *)receipt) == MF_CODE_INVALID_HANDLE);
    CHECK(mf_error_message((mf_error *)(void *)receipt) == NULL);
    /* No handle at all: the address of something, a small number. */
    FAILS(MF_CODE_INVALID_HANDLE, mf_receipt_id((mf_receipt *)(void *)&object, &text, err));
    FAILS(MF_CODE_INVALID_HANDLE, mf_receipt_id((mf_receipt *)(uintptr_t)1234567, &text, err));
    CHECK(strcmp(text, "as it was") == 0);
    /* Freed: twice, and used. */
    CHECK(mf_receipt_free(receipt) == MF_CODE_OK);
    CHECK(mf_receipt_free(receipt) == MF_CODE_INVALID_HANDLE);
    FAILS(MF_CODE_INVALID_HANDLE, mf_receipt_id(receipt, &text, err));
    GOES(mf_fleet_clone(h.fleet, &fleet, err));
    CHECK(mf_fleet_free(fleet) == MF_CODE_OK);
    CHECK(mf_fleet_free(fleet) == MF_CODE_INVALID_HANDLE);
    FAILS(MF_CODE_INVALID_HANDLE, mf_fleet_call(fleet, "names", NULL, &owned, err));
    FAILS(MF_CODE_INVALID_HANDLE, mf_fleet_send_async(fleet, "coder0", "x", 1, NULL, NULL, err));
    /* Texts. */
    GOES(mf_fleet_call(h.fleet, "names", NULL, &owned, err));
    CHECK(mf_string_free(owned + 1) == MF_CODE_INVALID_HANDLE);
    CHECK(mf_string_free(owned) == MF_CODE_OK);
    CHECK(mf_string_free(owned) == MF_CODE_INVALID_HANDLE);
}

static void bad_texts(house h)
{
    static const char *const no_variable[] = {"HOME", NULL};
    static const char *const bad_variable[] = {"HOME=\xff", NULL};
    static const char *const bad_name[] = {"\xc3\x28"};
    mf_receipt *receipt = NULL;
    mf_status *status = NULL;
    mf_fleet *fleet = NULL;
    char *owned = NULL;
    mf_send_options options;
    mf_fleet_options opening;

    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_send(h.fleet, "coder0", "\xff\xfe", 2, NULL, &receipt, err));
    /* Half of a letter, because the length cuts it. */
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_send(h.fleet, "coder0", "\xc3\xa9", 1, NULL, &receipt, err));
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_send(h.fleet, "\xed\xa0\x80", "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_status(h.fleet, bad_name, 1, NULL, &status, err));
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_call(h.fleet, "\xff", NULL, &owned, err));
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_call(h.fleet, "names", "\xff", &owned, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_send(h.fleet, "a.b", "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_send(h.fleet, "coder0", "", 0, NULL, &receipt, err));
    FAILS(MF_CODE_REFUSED, mf_fleet_send(h.fleet, "coder0", "a\0b", 3, NULL, &receipt, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_send(h.fleet, "coder0", "x", SIZE_MAX, NULL, &receipt, err));
    ZERO(options);
    options.from = "nobody in particular";
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_send(h.fleet, "coder0", "x", 1, &options, &receipt, err));
    options.from = "\xff";
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_send(h.fleet, "coder0", "x", 1, &options, &receipt, err));
    ZERO(opening);
    opening.environment = no_variable;
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_open(&opening, &fleet, err));
    opening.environment = bad_variable;
    FAILS(MF_CODE_INVALID_UTF8, mf_fleet_open(&opening, &fleet, err));
    CHECK(receipt == NULL && status == NULL && fleet == NULL && owned == NULL);
}

/* A struct of another version: shorter, longer, nonsense. */
static void sizes(house h)
{
    struct {
        mf_send_options options;
        uint64_t later;
    } longer;
    mf_receipt *receipt = NULL;
    mf_status *status = NULL;
    mf_status_options options;

    memset(&longer, 0, sizeof longer);
    longer.options.struct_size = sizeof longer;
    GOES(mf_fleet_send(h.fleet, "coder0", "x", 1, &longer.options, &receipt, err));
    mf_receipt_free(receipt);
    longer.later = 1;
    receipt = NULL;
    FAILS(MF_CODE_ABI_MISMATCH, mf_fleet_send(h.fleet, "coder0", "x", 1, &longer.options, &receipt, err));
    longer.options.struct_size = 0;
    FAILS(MF_CODE_ABI_MISMATCH, mf_fleet_send(h.fleet, "coder0", "x", 1, &longer.options, &receipt, err));
    longer.options.struct_size = SIZE_MAX;
    FAILS(MF_CODE_ABI_MISMATCH, mf_fleet_send(h.fleet, "coder0", "x", 1, &longer.options, &receipt, err));
    CHECK(receipt == NULL);
    ZERO(options);
    options.struct_size = offsetof(mf_status_options, reserved);
    GOES(mf_fleet_list(h.fleet, &options, &status, err));
    mf_status_free(status);
}

int main(void)
{
    house h = house_open();
    null_everywhere(h);
    wrong_and_freed_handles(h);
    bad_texts(h);
    sizes(h);
    house_close(h);
    nothing_is_left();
    return 0;
}
