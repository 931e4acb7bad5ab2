/* The five verbs, their answers field by field, and calls by name. */
#include "check.h"

static void send_and_receipt(house h)
{
    mf_receipt *receipt = NULL;
    mf_send_options options;
    const char *text = NULL;
    char *json = NULL;
    uint32_t number = 99;
    uint64_t elapsed = 0;

    ZERO(options);
    options.from = "vm:orchestrator";
    options.idempotency_key = "once";
    options.timeout_ms = 5000;
    GOES(mf_fleet_send(h.fleet, "coder0", "run the tests and more", 13, &options, &receipt, err));
    GOES(mf_receipt_agent(receipt, &text, err));
    CHECK(strcmp(text, "coder0") == 0);
    GOES(mf_receipt_transport(receipt, &text, err));
    CHECK(strcmp(text, "memory:local") == 0);
    GOES(mf_receipt_id(receipt, &text, err));
    CHECK(text[0] != '\0');
    GOES(mf_receipt_detail(receipt, &text, err));
    CHECK(strcmp(text, "the agent took the text") == 0);
    GOES(mf_receipt_verdict(receipt, &number, err));
    CHECK(number == MF_VERDICT_SUBMITTED);
    GOES(mf_receipt_evidence(receipt, &number, err));
    CHECK(number == MF_EVIDENCE_PROTOCOL);
    GOES(mf_receipt_attempts(receipt, &number, err));
    CHECK(number == 1);
    GOES(mf_receipt_elapsed_ms(receipt, &elapsed, err));
    GOES(mf_receipt_json(receipt, &json, err));
    CHECK(strstr(json, "\"verdict\":\"submitted\"") != NULL);
    CHECK(mf_string_free(json) == MF_CODE_OK);
    CHECK(mf_receipt_free(receipt) == MF_CODE_OK);

    GOES(mf_memory_call(h.memory, "inbox", "{\"agent\": \"coder0\"}", &json, err));
    CHECK(strcmp(json, "[\"[vm:orchestrator -> memory:coder0] run the tests\"]") == 0);
    mf_string_free(json);
}

static void refusals_say_why(house h)
{
    mf_receipt *receipt = NULL;
    mf_error *error = NULL;
    char *json = NULL;

    FAILS(MF_CODE_AGENT_NOT_FOUND, mf_fleet_send(h.fleet, "coder9", "x", 1, NULL, &receipt, err));
    CHECK(mf_fleet_send(h.fleet, "coder0", "a\0b", 3, NULL, &receipt, &error) == MF_CODE_REFUSED);
    CHECK(strcmp(mf_error_reason(error), "unsafe_text") == 0);
    CHECK(strcmp(mf_error_operation(error), "send") == 0);
    CHECK(strcmp(mf_error_agent(error), "coder0") == 0);
    CHECK(strcmp(mf_error_transport(error), "memory:local") == 0);
    CHECK(mf_error_hint(error) != NULL);
    CHECK(mf_error_retry(error) == MF_RETRY_NEVER && mf_error_retry_after_ms(error) == 0);
    GOES(mf_error_json(error, &json, err));
    CHECK(strstr(json, "\"code\":\"refused\"") && strstr(json, "\"number\":6"));
    mf_string_free(json);
    mf_error_free(error);

    GOES(mf_memory_call(h.memory, "set_state", "{\"agent\": \"coder0\", \"state\": \"dead\"}", NULL, err));
    CHECK(mf_fleet_send(h.fleet, "coder0", "x", 1, NULL, &receipt, &error) == MF_CODE_REFUSED);
    CHECK(strcmp(mf_error_reason(error), "dead") == 0);
    CHECK(mf_error_retry(error) == MF_RETRY_SAFE);
    mf_error_free(error);
    CHECK(receipt == NULL);
    GOES(mf_memory_call(h.memory, "set_state", "{\"agent\": \"coder0\", \"state\": \"idle\"}", NULL, err));
}

static void status_and_list(house h)
{
    static const char *const one[] = {"coder1"};
    mf_status *status = NULL;
    mf_status_options options;
    size_t count = 0;
    uint32_t number = 0;
    const char *text = NULL;
    char *json = NULL;

    ZERO(options);
    GOES(mf_memory_call(h.memory, "ask", "{\"agent\": \"coder1\", \"text\": \"Now?\", \"choices\": [\"Yes\"]}", NULL, err));
    GOES(mf_fleet_status(h.fleet, one, 1, &options, &status, err));
    GOES(mf_status_count(status, &count, err));
    CHECK(count == 1);
    GOES(mf_status_name(status, 0, &text, err));
    CHECK(strcmp(text, "coder1") == 0);
    GOES(mf_status_state(status, 0, &number, err));
    CHECK(number == MF_STATE_WAITING);
    GOES(mf_status_question(status, 0, &text, err));
    CHECK(strcmp(text, "Now?") == 0);
    GOES(mf_status_evidence(status, 0, &text, err));
    CHECK(text[0] != '\0');
    GOES(mf_status_runtime(status, 0, &text, err));
    CHECK(text == NULL);
    GOES(mf_status_class(status, 0, &text, err));
    CHECK(text == NULL);
    GOES(mf_status_in_roster(status, 0, &number, err));
    CHECK(number == 0);
    GOES(mf_status_error_count(status, &count, err));
    CHECK(count == 0);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_status_name(status, 1, &text, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_status_error(status, 0, &text, err));
    GOES(mf_status_json(status, &json, err));
    CHECK(strstr(json, "\"version\":1") != NULL);
    mf_string_free(json);
    mf_status_free(status);

    options.quick = 1;
    GOES(mf_fleet_list(h.fleet, &options, &status, err));
    GOES(mf_status_count(status, &count, err));
    CHECK(count == 2);
    mf_status_free(status);

    /* Unreachable is never an empty list; a status says it beside the agents. */
    GOES(mf_memory_call(h.memory, "set_reachable", "{\"reachable\": false}", NULL, err));
    FAILS(MF_CODE_UNAVAILABLE, mf_fleet_list(h.fleet, NULL, &status, err));
    GOES(mf_fleet_status(h.fleet, NULL, 0, NULL, &status, err));
    GOES(mf_status_error_count(status, &count, err));
    CHECK(count == 1);
    GOES(mf_status_error(status, 0, &text, err));
    CHECK(strstr(text, "memory:local") != NULL);
    mf_status_free(status);
    GOES(mf_memory_call(h.memory, "set_reachable", "{\"reachable\": true}", NULL, err));
}

static void tail_and_stream(house h)
{
    mf_tail *tail = NULL;
    mf_tail_options options;
    mf_stream *stream = NULL;
    const char *text = NULL;
    size_t count = 0;
    uint32_t gap = 9;
    char *json = NULL;
    char cursor[256];

    ZERO(options);
    options.lines = 2;
    GOES(mf_memory_call(h.memory, "say", "{\"agent\": \"coder0\", \"text\": \"one\\ntwo\\nthr\\u0000ee\"}", NULL, err));
    GOES(mf_fleet_tail(h.fleet, "coder0", &options, &tail, err));
    GOES(mf_tail_count(tail, &count, err));
    CHECK(count == 2);
    GOES(mf_tail_line(tail, 1, &text, err));
    CHECK(strcmp(text, "thr\xef\xbf\xbd" "ee") == 0);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_tail_line(tail, 2, &text, err));
    GOES(mf_tail_gap(tail, &gap, err));
    CHECK(gap == 0);
    GOES(mf_tail_next(tail, &text, err));
    CHECK(strlen(text) < sizeof cursor);
    strcpy(cursor, text);
    GOES(mf_tail_json(tail, &json, err));
    CHECK(strstr(json, "\"lines\":[") != NULL);
    mf_string_free(json);
    mf_tail_free(tail);

    options.cursor = cursor;
    options.wait_ms = 1;
    GOES(mf_fleet_tail(h.fleet, "coder0", &options, &tail, err));
    GOES(mf_tail_count(tail, &count, err));
    CHECK(count == 0);
    mf_tail_free(tail);
    options.cursor = "not of this transport";
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_tail(h.fleet, "coder0", &options, &tail, err));

    GOES(mf_fleet_watch(h.fleet, "{\"names\": [\"coder0\"]}", &stream, err));
    GOES(mf_stream_next(stream, &json, err));
    CHECK(strstr(json, "\"state\":\"idle\"") != NULL);
    mf_string_free(json);
    GOES(mf_stream_close(stream, err));
    json = cursor;
    GOES(mf_stream_next(stream, &json, err));
    CHECK(json == NULL);
    mf_stream_free(stream);
    GOES(mf_fleet_follow(h.fleet, "{\"agent\": \"coder0\", \"lines\": 1}", &stream, err));
    GOES(mf_stream_next(stream, &json, err));
    CHECK(strstr(json, "ee") != NULL);
    mf_string_free(json);
    mf_stream_free(stream);
}

static void reset_of_a_roster(house h)
{
    static const char *const nothing[] = {"HOME=/nonexistent", NULL};
    mf_fleet_options options;
    mf_reset_options reset;
    mf_fleet *fleet = NULL;
    mf_report *report = NULL;
    const char *text = NULL;
    uint32_t evidence = 0;
    char *json = NULL;

    ZERO(options);
    options.environment = nothing;
    options.roster_text = "version: 1\ntransport: memory\nagents:\n  - name: coder0\n    class: coder\n";
    GOES(mf_fleet_from_transport(h.transport, &options, &fleet, err));
    ZERO(reset);
    reset.mode = MF_RESET_MODE_CLEAR;
    reset.kickstart = "begin again";
    GOES(mf_fleet_reset(fleet, "coder0", &reset, &report, err));
    GOES(mf_report_command(report, &text, err));
    CHECK(strcmp(text, "clear") == 0);
    GOES(mf_report_evidence(report, &evidence, err));
    CHECK(evidence == MF_EVIDENCE_PROTOCOL);
    GOES(mf_report_kickstart_error(report, &text, err));
    CHECK(text == NULL);
    GOES(mf_report_json(report, &json, err));
    CHECK(strstr(json, "\"kickstart\":{") != NULL);
    mf_string_free(json);
    mf_report_free(report);
    reset.mode = 77;
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_reset(fleet, "coder0", &reset, &report, err));
    FAILS(MF_CODE_AGENT_NOT_FOUND, mf_fleet_reset(fleet, "coder1", NULL, &report, err));

    GOES(mf_fleet_call(fleet, "names", NULL, &json, err));
    CHECK(strcmp(json, "[\"coder0\"]") == 0);
    mf_string_free(json);
    GOES(mf_fleet_close(fleet, err));
    FAILS(MF_CODE_CLOSED, mf_fleet_call(fleet, "list", "{}", &json, err));
    mf_fleet_free(fleet);
}

static void calls_by_name(void)
{
    static const char *const nothing[] = {NULL};
    mf_fleet_options options;
    mf_fleet *fleet = NULL;
    mf_fleet *clone = NULL;
    char *json = NULL;

    GOES(mf_call("runtimes", NULL, nothing, &json, err));
    CHECK(strstr(json, "\"claude\"") != NULL);
    mf_string_free(json);
    GOES(mf_call("roster_parse", "{\"text\": \"version: 1\"}", NULL, &json, err));
    mf_string_free(json);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_call("runtime", NULL, nothing, &json, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_call("runtimes", "{", nothing, &json, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_call("runtimes", "[]", nothing, &json, err));

    ZERO(options);
    options.environment = nothing;
    options.roster_text = "version: 1\ntransport: memory\nmemory:\n  agents: [coder0]\n";
    GOES(mf_fleet_open(&options, &fleet, err));
    GOES(mf_fleet_clone(fleet, &clone, err));
    CHECK(clone != fleet);
    mf_fleet_free(fleet);
    GOES(mf_fleet_call(clone, "send", "{\"agent\": \"coder0\", \"text\": \"hi\"}", &json, err));
    mf_string_free(json);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_call(clone, "sendd", "{}", &json, err));
    mf_fleet_free(clone);
    options.roster_text = "version: 1\ntransport: pigeon\n";
    FAILS(MF_CODE_CONFIG_INVALID, mf_fleet_open(&options, &fleet, err));
    options.roster_text = NULL;
    options.roster = "/nonexistent/roster.yaml";
    FAILS(MF_CODE_CONFIG_INVALID, mf_fleet_open(&options, &fleet, err));
}

int main(void)
{
    house h = house_open();
    CHECK(mf_abi_version() == MF_ABI_VERSION);
    CHECK(mf_version()[0] != '\0');
    CHECK(strcmp(mf_code_name(MF_CODE_OK), "ok") == 0);
    CHECK(strcmp(mf_code_name(MF_CODE_AGENT_NOT_FOUND), "agent_not_found") == 0);
    CHECK(strcmp(mf_code_name(4711), "unknown") == 0);
    send_and_receipt(h);
    refusals_say_why(h);
    status_and_list(h);
    tail_and_stream(h);
    calls_by_name();
    reset_of_a_roster(h);
    house_close(h);
    nothing_is_left();
    return 0;
}
