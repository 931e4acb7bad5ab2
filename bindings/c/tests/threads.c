/* Eight threads share a fleet; some of them free what others use. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 25 };

typedef struct {
    house h;
    int number;
    mf_receipt *shared;
} work;

static void *run(void *argument)
{
    work *w = (work *)argument;
    mf_fleet *fleet = NULL;
    int round;

    GOES(mf_fleet_clone(w->h.fleet, &fleet, err));
    for (round = 0; round < ROUNDS; round++) {
        mf_receipt *receipt = NULL;
        mf_status *status = NULL;
        mf_error *error = NULL;
        const char *text = NULL;
        uint32_t verdict = 0;
        char body[64];

        snprintf(body, sizeof body, "thread %d round %d", w->number, round);
        GOES(mf_fleet_send(w->number % 2 ? fleet : w->h.fleet, "coder0", body, strlen(body), NULL, &receipt, err));
        GOES(mf_receipt_verdict(receipt, &verdict, err));
        CHECK(verdict == MF_VERDICT_SUBMITTED);
        CHECK(mf_receipt_free(receipt) == MF_CODE_OK);
        GOES(mf_fleet_status(w->h.fleet, NULL, 0, NULL, &status, err));
        CHECK(mf_status_free(status) == MF_CODE_OK);
        CHECK(mf_fleet_send(fleet, "nobody", "x", 1, NULL, &receipt, &error) == MF_CODE_AGENT_NOT_FOUND);
        /* Everyone has an error of their own. */
        CHECK(strcmp(mf_error_agent(error), "nobody") == 0);
        mf_error_free(error);
        /* One of the threads frees it first; the others are told. */
        if (round == ROUNDS / 2) {
            mf_code code = mf_receipt_free(w->shared);
            CHECK(code == MF_CODE_OK || code == MF_CODE_INVALID_HANDLE);
            CHECK(mf_receipt_id(w->shared, &text, NULL) == MF_CODE_INVALID_HANDLE);
        }
    }
    CHECK(mf_fleet_free(fleet) == MF_CODE_OK);
    return NULL;
}

int main(void)
{
    house h = house_open();
    pthread_t threads[THREADS];
    work works[THREADS];
    mf_receipt *shared = NULL;
    char *json = NULL;
    const char *at = NULL;
    int i, taken = 0;

    GOES(mf_fleet_send(h.fleet, "coder1", "x", 1, NULL, &shared, err));
    for (i = 0; i < THREADS; i++) {
        works[i].h = h;
        works[i].number = i;
        works[i].shared = shared;
        CHECK(pthread_create(&threads[i], NULL, run, &works[i]) == 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    GOES(mf_memory_call(h.memory, "inbox", "{\"agent\": \"coder0\"}", &json, err));
    for (at = json; (at = strstr(at, "thread")) != NULL; at++)
        taken++;
    CHECK(taken == THREADS * ROUNDS);
    mf_string_free(json);
    house_close(h);
    nothing_is_left();
    return 0;
}
