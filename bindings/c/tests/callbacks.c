/* Answers that come to callbacks: once each, then the context is dropped once; what would block says
 * so; what is abandoned is told. */
#include "check.h"

#include <pthread.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    house h;
    int called, dropped, news;
    mf_code code, inside;
    uint32_t verdict;
} desk;

static void desk_open(desk *d, house h)
{
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->h = h;
}

static void on_receipt(void *context, mf_code code, mf_receipt *receipt, mf_error *error)
{
    desk *d = (desk *)context;
    mf_status *status = NULL;
    mf_code inside = mf_fleet_list(d->h.fleet, NULL, &status, NULL);

    pthread_mutex_lock(&d->lock);
    d->called++;
    CHECK(d->dropped == 0);
    d->code = code;
    d->inside = inside;
    CHECK((code == MF_CODE_OK) == (receipt != NULL) && (receipt == NULL) == (error != NULL));
    if (receipt != NULL)
        GOES(mf_receipt_verdict(receipt, &d->verdict, err));
    pthread_mutex_unlock(&d->lock);
    CHECK(error == NULL || mf_error_code(error) == code);
    CHECK(mf_receipt_free(receipt) == MF_CODE_OK);
    CHECK(mf_error_free(error) == MF_CODE_OK);
}

static void on_answer(void *context, mf_code code, char *answer, mf_error *error)
{
    desk *d = (desk *)context;
    pthread_mutex_lock(&d->lock);
    d->called++;
    CHECK(d->dropped == 0);
    d->code = code;
    pthread_mutex_unlock(&d->lock);
    CHECK((code == MF_CODE_OK) == (answer != NULL) && (answer == NULL) == (error != NULL));
    mf_string_free(answer);
    mf_error_free(error);
}

static void on_news(void *context, const char *news)
{
    desk *d = (desk *)context;
    pthread_mutex_lock(&d->lock);
    CHECK(d->called == 0 && d->dropped == 0 && news[0] == '{');
    d->news++;
    pthread_mutex_unlock(&d->lock);
}

static void on_drop(void *context)
{
    desk *d = (desk *)context;
    pthread_mutex_lock(&d->lock);
    CHECK(d->called == 1);
    d->dropped++;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void wait_for_drop(desk *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->dropped == 0)
        pthread_cond_wait(&d->changed, &d->lock);
    CHECK(d->dropped == 1 && d->called == 1);
    pthread_mutex_unlock(&d->lock);
}

int main(void)
{
    house h = house_open();
    desk d;
    mf_receipt_callback receipt;
    mf_answer_callback answer;
    char *json = NULL;

    ZERO(receipt);
    receipt.context = &d;
    receipt.call = on_receipt;
    receipt.drop = on_drop;
    ZERO(answer);
    answer.context = &d;
    answer.call = on_answer;
    answer.news = on_news;
    answer.drop = on_drop;

    desk_open(&d, h);
    GOES(mf_fleet_send_async(h.fleet, "coder0", "hello", 5, NULL, &receipt, err));
    wait_for_drop(&d);
    CHECK(d.code == MF_CODE_OK && d.verdict == MF_VERDICT_SUBMITTED);
    /* A blocking function inside of a callback has a defined answer. */
    CHECK(d.inside == MF_CODE_WOULD_BLOCK);

    desk_open(&d, h);
    GOES(mf_fleet_send_async(h.fleet, "nobody", "hello", 5, NULL, &receipt, err));
    wait_for_drop(&d);
    CHECK(d.code == MF_CODE_AGENT_NOT_FOUND);

    desk_open(&d, h);
    GOES(mf_fleet_call_async(h.fleet, "list", NULL, &answer, err));
    wait_for_drop(&d);
    CHECK(d.code == MF_CODE_OK && d.news == 0);
    desk_open(&d, h);
    GOES(mf_fleet_call_async(h.fleet, "lst", NULL, &answer, err));
    wait_for_drop(&d);
    CHECK(d.code == MF_CODE_INVALID_ARGUMENT);

    /* An older callback, which has no news. */
    desk_open(&d, h);
    answer.struct_size = offsetof(mf_answer_callback, news);
    GOES(mf_fleet_call_async(h.fleet, "names", NULL, &answer, err));
    wait_for_drop(&d);
    answer.struct_size = sizeof answer;

    /* What fails at once takes no callback. */
    desk_open(&d, h);
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_send_async(h.fleet, "a.b", "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_INVALID_ARGUMENT, mf_fleet_call_async(h.fleet, "names", "{", &answer, err));
    receipt.call = NULL;
    answer.call = NULL;
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_send_async(h.fleet, "coder0", "x", 1, NULL, &receipt, err));
    FAILS(MF_CODE_NULL_POINTER, mf_fleet_call_async(h.fleet, "names", NULL, &answer, err));
    CHECK(d.called == 0 && d.dropped == 0);
    answer.call = on_answer;

    /* Abandoned: the fleet is freed while an agent is waited for. */
    desk_open(&d, h);
    GOES(mf_fleet_call_async(h.fleet, "wait", "{\"agent\": \"coder0\", \"states\": [\"dead\"], \"timeout\": \"1h\"}", &answer, err));
    CHECK(mf_fleet_free(h.fleet) == MF_CODE_OK);
    wait_for_drop(&d);
    CHECK(d.code == MF_CODE_CLOSED);
    CHECK(mf_fleet_free(h.fleet) == MF_CODE_INVALID_HANDLE);

    GOES(mf_memory_call(h.memory, "inbox", "{\"agent\": \"coder0\"}", &json, err));
    CHECK(strcmp(json, "[\"hello\"]") == 0);
    mf_string_free(json);
    mf_transport_free(h.transport);
    mf_memory_free(h.memory);
    nothing_is_left();
    return 0;
}
