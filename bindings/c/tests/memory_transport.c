/* An in-memory fleet as a transport in C: what a transport has to do, in one file. Agents are records
 * that take a text at once, or hold it while they work. Passes the conformance suite.
 *
 * It claims no idempotency keys and no answers to questions: it has none. */
#include "memory_transport.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    char **items;
    size_t *lengths;
    size_t count;
} texts;

typedef struct {
    char name[80];
    mf_state state;
    texts inbox, queue, lines;
} agent;

struct cmem {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    agent *agents;
    const char **names;
    size_t count;
    int broken, closed, owners;
};

static void add(texts *to, const char *text, size_t length)
{
    char *copy = (char *)malloc(length + 1);
    to->items = (char **)realloc(to->items, (to->count + 1) * sizeof *to->items);
    to->lengths = (size_t *)realloc(to->lengths, (to->count + 1) * sizeof *to->lengths);
    if (copy == NULL || to->items == NULL || to->lengths == NULL)
        abort();
    memcpy(copy, text, length);
    copy[length] = '\0';
    to->items[to->count] = copy;
    to->lengths[to->count] = length;
    to->count++;
}

static void clear(texts *it)
{
    size_t i;
    for (i = 0; i < it->count; i++)
        free(it->items[i]);
    free(it->items);
    free(it->lengths);
    memset(it, 0, sizeof *it);
}

static agent *find(cmem *m, const char *name)
{
    size_t i;
    for (i = 0; i < m->count; i++)
        if (strcmp(m->agents[i].name, name) == 0)
            return &m->agents[i];
    return NULL;
}

/* Takes the lock. Replies and answers 0 where nothing can be done, 1 where it can; both with the lock. */
static int enter(cmem *m, mf_reply *reply)
{
    pthread_mutex_lock(&m->lock);
    if (m->closed)
        mf_reply_error(reply, MF_CODE_CLOSED, "the transport was closed", NULL);
    else if (m->broken)
        mf_reply_error(reply, MF_CODE_UNAVAILABLE, "the agents cannot be reached", NULL);
    return !m->closed && !m->broken;
}

static void leave(cmem *m)
{
    pthread_mutex_unlock(&m->lock);
}

static void changed(cmem *m)
{
    pthread_cond_broadcast(&m->changed);
}

static agent *known(cmem *m, const char *name, mf_reply *reply)
{
    agent *found = find(m, name);
    if (found == NULL)
        mf_reply_agent_not_found(reply, name, m->names, m->count, NULL);
    return found;
}

/* The agent takes a text: it is in its inbox, and its lines are on its screen. */
static void take(agent *a, const char *text, size_t length)
{
    const char *at = text, *end = text + length;
    add(&a->inbox, text, length);
    while (at <= end) {
        const char *line_end = (const char *)memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        add(&a->lines, at, (size_t)(line_end - at));
        at = line_end + 1;
    }
}

/* What a program would run as a command, if the text began with it. */
static int is_command(const char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\n')
        text++;
    return *text == '/' || *text == '!';
}

static void send_text(void *context, const mf_send_request *request, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    agent *a = NULL;
    mf_receipt_fields receipt;
    char *text = NULL;
    size_t length = request->text_length;

    memset(&receipt, 0, sizeof receipt);
    receipt.struct_size = sizeof receipt;
    receipt.evidence = MF_EVIDENCE_PROTOCOL;
    receipt.attempts = 1;
    if (!enter(m, reply) || (a = known(m, request->agent, reply)) == NULL) {
        leave(m);
        return;
    }
    if (request->from == NULL && !request->allow_command && is_command(request->text)) {
        mf_reply_refused(reply, MF_REFUSAL_UNSAFE_TEXT, "the text begins with a command", NULL);
    } else if (a->state == MF_STATE_DEAD) {
        mf_reply_refused(reply, MF_REFUSAL_DEAD, "the agent's program has ended", NULL);
    } else {
        if (request->from != NULL) {
            size_t room = length + strlen(request->from) + strlen(a->name) + 32;
            text = (char *)malloc(room);
            if (text == NULL)
                abort();
            length = (size_t)snprintf(text, room, "[%s -> c:%s] %s", request->from, a->name, request->text);
        }
        if (a->state == MF_STATE_WORKING || a->state == MF_STATE_QUEUED) {
            add(&a->queue, text ? text : request->text, length);
            a->state = MF_STATE_QUEUED;
            receipt.verdict = MF_VERDICT_QUEUED;
            receipt.detail = "the agent holds the text";
        } else {
            take(a, text ? text : request->text, length);
            receipt.verdict = MF_VERDICT_SUBMITTED;
            receipt.detail = "the agent took the text";
        }
        free(text);
        changed(m);
        mf_reply_receipt(reply, &receipt, NULL);
    }
    leave(m);
}

static void reset(void *context, const mf_reset_request *request, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    agent *a = NULL;
    mf_report_fields report;

    memset(&report, 0, sizeof report);
    report.struct_size = sizeof report;
    report.command = "/clear";
    report.detail = "the conversation is empty";
    report.evidence = MF_EVIDENCE_PROTOCOL;
    if (enter(m, reply) && (a = known(m, request->agent, reply)) != NULL) {
        if (a->state == MF_STATE_DEAD) {
            mf_reply_refused(reply, MF_REFUSAL_DEAD, "the agent's program has ended", NULL);
        } else if (a->state != MF_STATE_IDLE && !request->force) {
            mf_reply_refused(reply, MF_REFUSAL_BUSY, "the agent is at work", NULL);
        } else {
            clear(&a->queue);
            a->state = MF_STATE_IDLE;
            changed(m);
            mf_reply_report(reply, &report, NULL);
        }
    }
    leave(m);
}

static void tell(agent *a, mf_reply *reply)
{
    mf_agent_fields fields;
    memset(&fields, 0, sizeof fields);
    fields.struct_size = sizeof fields;
    fields.name = a->name;
    fields.state = a->state;
    fields.evidence = "a record";
    mf_reply_agent(reply, &fields, NULL);
}

static struct timespec after(uint64_t milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* Waits for a change until the time is over; 0 when it is, or when there is nothing to wait for. */
static int wait_on(cmem *m, const struct timespec *until)
{
    if (m->closed || m->broken)
        return 0;
    return pthread_cond_timedwait(&m->changed, &m->lock, until) == 0;
}

static void status(void *context, const mf_status_request *request, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    agent *a = NULL;
    struct timespec until = after(request->wait_ms);

    if (enter(m, reply) && (a = known(m, request->agent, reply)) != NULL) {
        while (a->state == request->changed_from && wait_on(m, &until))
            continue;
        tell(a, reply);
    }
    leave(m);
}

static void list(void *context, const mf_list_request *request, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    size_t i;

    (void)request;
    if (enter(m, reply)) {
        for (i = 0; i < m->count; i++)
            tell(&m->agents[i], reply);
        mf_reply_done(reply, NULL);
    }
    leave(m);
}

static void tail(void *context, const mf_tail_request *request, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    agent *a = NULL;
    struct timespec until = after(request->wait_ms);
    size_t from = 0, to = 0, i, most;
    char cursor[160];

    if (!enter(m, reply) || (a = known(m, request->agent, reply)) == NULL) {
        leave(m);
        return;
    }
    most = request->lines > a->lines.count + 1000000 ? a->lines.count + 1000000 : (size_t)request->lines;
    if (request->cursor != NULL) {
        /* A cursor is this fleet's address, the agent and a count of lines. */
        char mine[128];
        unsigned long count = 0;
        size_t prefix = (size_t)snprintf(mine, sizeof mine, "c:%p:%s:", (void *)m, a->name);
        char *end = NULL;
        if (strncmp(request->cursor, mine, prefix) == 0)
            count = strtoul(request->cursor + prefix, &end, 10);
        if (end == NULL || *end != '\0' || end == request->cursor + prefix || count > a->lines.count) {
            mf_reply_error(reply, MF_CODE_INVALID_ARGUMENT, "this cursor is of another transport or agent", NULL);
            leave(m);
            return;
        }
        from = (size_t)count;
        while (from == a->lines.count && wait_on(m, &until))
            continue;
        to = a->lines.count - from < most ? a->lines.count : from + most;
    } else {
        to = a->lines.count;
        from = to > most ? to - most : 0;
    }
    for (i = from; i < to; i++)
        mf_reply_line(reply, a->lines.items[i], a->lines.lengths[i], NULL);
    snprintf(cursor, sizeof cursor, "c:%p:%s:%lu", (void *)m, a->name, (unsigned long)to);
    mf_reply_cursor(reply, cursor, NULL);
    leave(m);
}

static void close_transport(void *context, mf_reply *reply)
{
    cmem *m = (cmem *)context;
    pthread_mutex_lock(&m->lock);
    m->closed = 1;
    changed(m);
    mf_reply_done(reply, NULL);
    pthread_mutex_unlock(&m->lock);
}

static void release(void *context)
{
    cmem *m = (cmem *)context;
    size_t i;
    int owners;

    pthread_mutex_lock(&m->lock);
    owners = --m->owners;
    pthread_mutex_unlock(&m->lock);
    if (owners > 0)
        return;
    for (i = 0; i < m->count; i++) {
        clear(&m->agents[i].inbox);
        clear(&m->agents[i].queue);
        clear(&m->agents[i].lines);
    }
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->changed);
    free(m->agents);
    free(m->names);
    free(m);
}

cmem *cmem_open(const char *const *names, size_t count, mf_transport **transport)
{
    mf_transport_vtable vtable;
    size_t i;
    cmem *m = (cmem *)calloc(1, sizeof *m);

    if (m == NULL || (m->agents = (agent *)calloc(count, sizeof *m->agents)) == NULL
        || (m->names = (const char **)calloc(count, sizeof *m->names)) == NULL)
        abort();
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
    m->count = count;
    m->owners = 2;
    for (i = 0; i < count; i++) {
        snprintf(m->agents[i].name, sizeof m->agents[i].name, "%s", names[i]);
        m->agents[i].state = MF_STATE_IDLE;
        m->names[i] = m->agents[i].name;
    }
    memset(&vtable, 0, sizeof vtable);
    vtable.struct_size = sizeof vtable;
    vtable.abi_version = MF_ABI_VERSION;
    vtable.capabilities = MF_CAN_SEND | MF_CAN_QUEUE | MF_CAN_RESET_CLEAR | MF_CAN_STATUS | MF_CAN_TAIL
                          | MF_CAN_TAIL_CURSOR | MF_CAN_LIST | MF_CAN_EVENTS;
    vtable.confirm = MF_EVIDENCE_PROTOCOL;
    vtable.scheme = "cmem";
    vtable.instance = "test";
    vtable.drop = release;
    vtable.send = send_text;
    vtable.reset = reset;
    vtable.status = status;
    vtable.tail = tail;
    vtable.list = list;
    vtable.close = close_transport;
    if (mf_transport_from_vtable(&vtable, m, transport, NULL) != MF_CODE_OK)
        abort();
    return m;
}

void cmem_release(cmem *m)
{
    release(m);
}

char *cmem_taken(cmem *m, const char *name, size_t index)
{
    char *copy = NULL;
    agent *a;
    pthread_mutex_lock(&m->lock);
    a = find(m, name);
    if (a != NULL && index < a->inbox.count) {
        copy = (char *)malloc(a->inbox.lengths[index] + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, a->inbox.items[index], a->inbox.lengths[index] + 1);
    }
    pthread_mutex_unlock(&m->lock);
    return copy;
}

void cmem_free_text(char *text)
{
    free(text);
}

static void become(cmem *m, const char *name, mf_state state)
{
    agent *a;
    size_t i;
    pthread_mutex_lock(&m->lock);
    a = find(m, name);
    if (a == NULL)
        abort();
    if (state == MF_STATE_IDLE) {
        for (i = 0; i < a->queue.count; i++)
            take(a, a->queue.items[i], a->queue.lengths[i]);
        clear(&a->queue);
    }
    a->state = state;
    changed(m);
    pthread_mutex_unlock(&m->lock);
}

void cmem_kill(cmem *m, const char *name)
{
    become(m, name, MF_STATE_DEAD);
}

void cmem_make_busy(cmem *m, const char *name)
{
    become(m, name, MF_STATE_WORKING);
}

void cmem_finish_turn(cmem *m, const char *name)
{
    become(m, name, MF_STATE_IDLE);
}

void cmem_break(cmem *m)
{
    pthread_mutex_lock(&m->lock);
    m->broken = 1;
    changed(m);
    pthread_mutex_unlock(&m->lock);
}
