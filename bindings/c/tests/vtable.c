/* Transports in C that are old, wrong, silent, slow or talk nonsense: each has a defined end. */
#include "check.h"

#include <pthread.h>

/* What the functions below were asked to do, and what became of it. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int dropped, running, let_go;
    mf_code inside, late;
    mf_reply *kept;
    mf_fleet *fleet;
} desk;

static void desk_open(desk *d)
{
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->late = 4711;
}

static void on_drop(void *context)
{
    desk *d = (desk *)context;
    pthread_mutex_lock(&d->lock);
    CHECK(d->running == 0);
    d->dropped++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void wait_for_drop(desk *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->dropped == 0)
        pthread_cond_wait(&d->changed, &d->lock);
    CHECK(d->dropped == 1);
    pthread_mutex_unlock(&d->lock);
}

static mf_code submitted(mf_reply *reply)
{
    mf_receipt_fields fields;
    ZERO(fields);
    fields.verdict = MF_VERDICT_SUBMITTED;
    fields.evidence = MF_EVIDENCE_PROTOCOL;
    fields.detail = "taken";
    return mf_reply_receipt(reply, &fields, NULL);
}

/* The first word of the text says what to do. */
static void send_text(void *context, const mf_send_request *request, mf_reply *reply)
{
    desk *d = (desk *)context;
    mf_agent_fields agent;
    mf_receipt_fields fields;
    mf_receipt *receipt = NULL;

    CHECK(request->struct_size == sizeof *request);
    CHECK(strlen(request->text) == request->text_length);
    ZERO(agent);
    ZERO(fields);
    if (strcmp(request->text, "silent") == 0) {
        return;
    } else if (strcmp(request->text, "nonsense") == 0) {
        agent.name = request->agent;
        agent.state = MF_STATE_IDLE;
        GOES(mf_reply_agent(reply, &agent, err));
    } else if (strcmp(request->text, "numbers") == 0) {
        fields.verdict = 77;
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_receipt(reply, &fields, err));
        fields.verdict = MF_VERDICT_SUBMITTED;
        fields.evidence = 77;
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_receipt(reply, &fields, err));
        fields.evidence = 0;
        fields.struct_size = 8;
        FAILS(MF_CODE_ABI_MISMATCH, mf_reply_receipt(reply, &fields, err));
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_error(reply, MF_CODE_REFUSED, "x", err));
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_error(reply, MF_CODE_OK, "x", err));
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_refused(reply, 0, "x", err));
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_delivery_unknown(reply, 0, "x", err));
        FAILS(MF_CODE_INVALID_ARGUMENT, mf_reply_advice(reply, NULL, 9, 0, err));
        FAILS(MF_CODE_INVALID_UTF8, mf_reply_line(reply, "\xff", 1, err));
        FAILS(MF_CODE_NULL_POINTER, mf_reply_receipt(reply, NULL, err));
    } else if (strcmp(request->text, "refused") == 0) {
        GOES(mf_reply_refused(reply, MF_REFUSAL_DRAFT, "somebody writes", err));
        GOES(mf_reply_advice(reply, "wait a little", MF_RETRY_AFTER, 1500, err));
    } else if (strcmp(request->text, "lost") == 0) {
        GOES(mf_reply_delivery_unknown(reply, MF_STAGE_KEY_PRESSED, "the line broke", err));
    } else if (strcmp(request->text, "inside") == 0) {
        d->inside = mf_fleet_send(d->fleet, "a", "x", 1, NULL, &receipt, NULL);
        CHECK(submitted(reply) == MF_CODE_OK);
    } else if (strcmp(request->text, "keep") == 0) {
        d->kept = reply;
        CHECK(submitted(reply) == MF_CODE_OK);
    } else if (strcmp(request->text, "slow") == 0) {
        pthread_mutex_lock(&d->lock);
        d->running++;
        while (!d->let_go)
            pthread_cond_wait(&d->changed, &d->lock);
        /* Long after the caller gave up: the request and the reply are still good. */
        CHECK(strcmp(request->agent, "a") == 0 && strcmp(request->text, "slow") == 0);
        d->late = submitted(reply);
        d->running--;
        pthread_mutex_unlock(&d->lock);
    } else {
        CHECK(request->from == NULL || strcmp(request->from, "vm:boss") == 0);
        CHECK(submitted(reply) == MF_CODE_OK);
    }
}

static void status(void *context, const mf_status_request *request, mf_reply *reply)
{
    desk *d = (desk *)context;
    mf_agent_fields agent;
    if (strcmp(request->agent, "slow") == 0) {
        pthread_mutex_lock(&d->lock);
        d->running++;
        while (!d->let_go)
            pthread_cond_wait(&d->changed, &d->lock);
        d->running--;
        pthread_mutex_unlock(&d->lock);
        return;
    }
    ZERO(agent);
    agent.name = strcmp(request->agent, "other") == 0 ? "somebody" : request->agent;
    agent.state = MF_STATE_IDLE;
    GOES(mf_reply_agent(reply, &agent, err));
    if (strcmp(request->agent, "twice") == 0)
        GOES(mf_reply_agent(reply, &agent, err));
}

static void list(void *context, const mf_list_request *request, mf_reply *reply)
{
    (void)context;
    (void)request;
    GOES(mf_reply_done(reply, err));
}

static void tail(void *context, const mf_tail_request *request, mf_reply *reply)
{
    (void)context;
    (void)request;
    GOES(mf_reply_line(reply, "a line", 6, err));
    GOES(mf_reply_cursor(reply, "no cursor has blanks", err));
}

static mf_transport_vtable table(void)
{
    mf_transport_vtable vtable;
    ZERO(vtable);
    vtable.abi_version = MF_ABI_VERSION;
    vtable.capabilities = MF_CAN_SEND | MF_CAN_STATUS | MF_CAN_LIST | MF_CAN_TAIL;
    vtable.scheme = "desk";
    vtable.drop = on_drop;
    vtable.send = send_text;
    vtable.status = status;
    vtable.list = list;
    vtable.tail = tail;
    return vtable;
}

static void what_is_refused(void)
{
    desk d;
    mf_transport *transport = NULL;
    mf_transport_vtable vtable = table();
    struct {
        mf_transport_vtable vtable;
        void (*later)(void *context);
    } longer;

    desk_open(&d);
    vtable.abi_version = MF_ABI_VERSION + (1u << 16);
    FAILS(MF_CODE_ABI_MISMATCH, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable.abi_version = 0;
    FAILS(MF_CODE_ABI_MISMATCH, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable = table();
    vtable.struct_size = offsetof(mf_transport_vtable, send) - 1;
    FAILS(MF_CODE_ABI_MISMATCH, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable.struct_size = 0;
    FAILS(MF_CODE_ABI_MISMATCH, mf_transport_from_vtable(&vtable, &d, &transport, err));
    /* Claims what it cut off. */
    vtable.struct_size = offsetof(mf_transport_vtable, status);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable = table();
    vtable.capabilities |= 1u << 30;
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable = table();
    vtable.confirm = 99;
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable = table();
    vtable.scheme = NULL;
    FAILS(MF_CODE_NULL_POINTER, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable.scheme = "\xff";
    FAILS(MF_CODE_INVALID_UTF8, mf_transport_from_vtable(&vtable, &d, &transport, err));
    vtable = table();
    FAILS(MF_CODE_NULL_POINTER, mf_transport_from_vtable(&vtable, &d, NULL, err));
    memset(&longer, 0, sizeof longer);
    longer.vtable = table();
    longer.vtable.struct_size = sizeof longer;
    longer.later = on_drop;
    FAILS(MF_CODE_ABI_MISMATCH, mf_transport_from_vtable(&longer.vtable, &d, &transport, err));
    /* None of them took the context. */
    CHECK(d.dropped == 0 && transport == NULL);
    longer.later = NULL;
    GOES(mf_transport_from_vtable(&longer.vtable, &d, &transport, err));
    CHECK(mf_transport_free(transport) == MF_CODE_OK);
    CHECK(d.dropped == 1);
}

/* An older host knew no tail, no list and no status. */
static void an_older_table(void)
{
    desk d;
    mf_transport *transport = NULL;
    mf_fleet *fleet = NULL;
    mf_receipt *receipt = NULL;
    mf_tail *piece = NULL;
    mf_status *seen = NULL;
    mf_transport_vtable vtable = table();

    desk_open(&d);
    vtable.struct_size = offsetof(mf_transport_vtable, reset);
    vtable.capabilities = MF_CAN_SEND;
    GOES(mf_transport_from_vtable(&vtable, &d, &transport, err));
    GOES(mf_fleet_from_transport(transport, NULL, &fleet, err));
    GOES(mf_fleet_send(fleet, "a", "hello", 5, NULL, &receipt, err));
    mf_receipt_free(receipt);
    FAILS(MF_CODE_UNSUPPORTED, mf_fleet_tail(fleet, "a", NULL, &piece, err));
    FAILS(MF_CODE_UNSUPPORTED, mf_fleet_list(fleet, NULL, &seen, err));
    /* The fleet keeps the transport. */
    CHECK(mf_transport_free(transport) == MF_CODE_OK);
    CHECK(d.dropped == 0);
    GOES(mf_fleet_close(fleet, err));
    CHECK(mf_fleet_free(fleet) == MF_CODE_OK);
    wait_for_drop(&d);
}

static void what_it_says(void)
{
    desk d;
    mf_transport *transport = NULL;
    mf_transport *clone = NULL;
    mf_fleet *fleet = NULL;
    mf_receipt *receipt = NULL;
    mf_tail *piece = NULL;
    mf_status *seen = NULL;
    mf_error *error = NULL;
    char *json = NULL;
    size_t count = 9;
    mf_transport_vtable vtable = table();
    mf_send_options options;

    desk_open(&d);
    ZERO(options);
    options.from = "vm:boss";
    GOES(mf_transport_from_vtable(&vtable, &d, &transport, err));
    GOES(mf_transport_clone(transport, &clone, err));
    GOES(mf_fleet_from_transport(clone, NULL, &fleet, err));
    d.fleet = fleet;
    GOES(mf_fleet_send(fleet, "a", "hello", 5, &options, &receipt, err));
    mf_receipt_free(receipt);
    FAILS(MF_CODE_PLUGIN, mf_fleet_send(fleet, "a", "silent", 6, NULL, &receipt, err));
    FAILS(MF_CODE_PLUGIN, mf_fleet_send(fleet, "a", "nonsense", 8, NULL, &receipt, err));
    FAILS(MF_CODE_PLUGIN, mf_fleet_send(fleet, "a", "numbers", 7, NULL, &receipt, err));
    CHECK(mf_fleet_send(fleet, "a", "refused", 7, NULL, &receipt, &error) == MF_CODE_REFUSED);
    CHECK(strcmp(mf_error_reason(error), "draft") == 0);
    CHECK(strcmp(mf_error_hint(error), "wait a little") == 0);
    CHECK(mf_error_retry(error) == MF_RETRY_AFTER && mf_error_retry_after_ms(error) == 1500);
    mf_error_free(error);
    CHECK(mf_fleet_send(fleet, "a", "lost", 4, NULL, &receipt, &error) == MF_CODE_DELIVERY_UNKNOWN);
    CHECK(strcmp(mf_error_reason(error), "key_pressed") == 0);
    mf_error_free(error);
    FAILS(MF_CODE_PLUGIN, mf_fleet_call(fleet, "agent_status", "{\"agent\": \"other\"}", &json, err));
    FAILS(MF_CODE_PLUGIN, mf_fleet_call(fleet, "agent_status", "{\"agent\": \"twice\"}", &json, err));
    FAILS(MF_CODE_PLUGIN, mf_fleet_tail(fleet, "a", NULL, &piece, err));
    GOES(mf_fleet_list(fleet, NULL, &seen, err));
    GOES(mf_status_count(seen, &count, err));
    CHECK(count == 0);
    mf_status_free(seen);
    /* A blocking call from inside of a call. */
    GOES(mf_fleet_send(fleet, "a", "inside", 6, NULL, &receipt, err));
    CHECK(d.inside == MF_CODE_WOULD_BLOCK);
    mf_receipt_free(receipt);
    /* A reply that is used after its function has returned. */
    GOES(mf_fleet_send(fleet, "a", "keep", 4, NULL, &receipt, err));
    CHECK(mf_reply_done(d.kept, NULL) == MF_CODE_INVALID_HANDLE);
    mf_receipt_free(receipt);

    CHECK(mf_transport_free(transport) == MF_CODE_OK);
    CHECK(mf_fleet_free(fleet) == MF_CODE_OK);
    CHECK(d.dropped == 0);
    CHECK(mf_transport_free(clone) == MF_CODE_OK);
    CHECK(mf_transport_free(clone) == MF_CODE_INVALID_HANDLE);
    wait_for_drop(&d);
}

/* Functions that do not return in time: the caller goes on, and what comes late does no harm. */
static void what_is_late(void)
{
    desk d;
    mf_transport *transport = NULL;
    mf_fleet *fleet = NULL;
    mf_receipt *receipt = NULL;
    char *json = NULL;
    mf_transport_vtable vtable = table();
    mf_send_options options;

    desk_open(&d);
    ZERO(options);
    options.timeout_ms = 1;
    GOES(mf_transport_from_vtable(&vtable, &d, &transport, err));
    GOES(mf_fleet_from_transport(transport, NULL, &fleet, err));
    mf_transport_free(transport);
    FAILS(MF_CODE_DELIVERY_UNKNOWN, mf_fleet_send(fleet, "a", "slow", 4, &options, &receipt, err));
    FAILS(MF_CODE_TIMEOUT, mf_fleet_call(fleet, "agent_status", "{\"agent\": \"slow\", \"timeout\": 0.001}", &json, err));
    CHECK(receipt == NULL && json == NULL && d.dropped == 0);
    /* Freed while both are still at it: the context stays until they have returned. */
    CHECK(mf_fleet_free(fleet) == MF_CODE_OK);
    CHECK(d.dropped == 0 && d.running == 2);
    pthread_mutex_lock(&d.lock);
    d.let_go = 1;
    pthread_cond_broadcast(&d.changed);
    pthread_mutex_unlock(&d.lock);
    wait_for_drop(&d);
    CHECK(d.late == MF_CODE_OK);
}

int main(void)
{
    what_is_refused();
    an_older_table();
    what_it_says();
    what_is_late();
    nothing_is_left();
    return 0;
}
