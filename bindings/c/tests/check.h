/* Checks for tests, and a fleet of in-process agents to try things on. */
#ifndef CHECK_H
#define CHECK_H

#include <mosaic_fleet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* A call answers this code, and an error of the same code. The call's last argument is `err`. */
#define FAILS(expected, call)                                                \
    do {                                                                     \
        mf_error *problem = NULL;                                            \
        mf_error **err = &problem;                                           \
        mf_code answered = (call);                                           \
        if (answered != (expected) || mf_error_code(problem) != (expected)) { \
            fprintf(stderr, "%s:%d: %s answered %s: %s\n", __FILE__, __LINE__, #call, \
                    mf_code_name(answered), problem ? mf_error_message(problem) : "-"); \
            exit(1);                                                         \
        }                                                                    \
        CHECK(mf_error_message(problem)[0] != '\0');                         \
        CHECK(mf_error_free(problem) == MF_CODE_OK);                         \
    } while (0)

#define GOES(call)                                                           \
    do {                                                                     \
        mf_error *problem = NULL;                                            \
        mf_error **err = &problem;                                           \
        mf_code answered = (call);                                           \
        if (answered != MF_CODE_OK) {                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, mf_error_message(problem)); \
            exit(1);                                                         \
        }                                                                    \
        CHECK(problem == NULL);                                              \
    } while (0)

/* A struct of zeroes that knows its size. */
#define ZERO(it) (memset(&(it), 0, sizeof(it)), (it).struct_size = sizeof(it))

typedef struct {
    mf_memory *memory;
    mf_transport *transport;
    mf_fleet *fleet;
} house;

static inline house house_open(void)
{
    static const char *const nothing[] = {NULL};
    house h = {NULL, NULL, NULL};
    mf_fleet_options options;
    ZERO(options);
    options.environment = nothing;
    GOES(mf_memory_open("{\"agents\": [\"coder0\", \"coder1\"]}", &h.memory, err));
    GOES(mf_memory_transport(h.memory, &h.transport, err));
    GOES(mf_fleet_from_transport(h.transport, &options, &h.fleet, err));
    return h;
}

static inline void house_close(house h)
{
    CHECK(mf_fleet_free(h.fleet) == MF_CODE_OK);
    CHECK(mf_transport_free(h.transport) == MF_CODE_OK);
    CHECK(mf_memory_free(h.memory) == MF_CODE_OK);
}

static inline void nothing_is_left(void)
{
    size_t left = mf_live_count();
    if (left != 0) {
        fprintf(stderr, "%zu handles or texts are left\n", left);
        exit(1);
    }
}

#endif
