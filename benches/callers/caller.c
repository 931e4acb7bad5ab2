/* The caller in C: a memory fleet of as many agents as it is told, whose status it asks as often as each line says.
 * It answers each line with the nanoseconds that all of them took. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mosaic_fleet.h"

static void must(mf_code code, const char *what)
{
    if (code != MF_CODE_OK) {
        fprintf(stderr, "%s: code %u\n", what, (unsigned)code);
        exit(1);
    }
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count, char **words)
{
    long agents = count > 1 ? strtol(words[1], NULL, 10) : 1;
    char *arguments = malloc((size_t)agents * 32 + 64), *end = arguments;
    if (arguments == NULL)
        return 1;
    end += sprintf(end, "{\"agents\":[");
    for (long number = 0; number < agents; number++)
        end += sprintf(end, "%s\"agent-%ld\"", number ? "," : "", number);
    sprintf(end, "]}");

    mf_memory *memory = NULL;
    mf_transport *transport = NULL;
    mf_fleet *fleet = NULL;
    must(mf_memory_open(arguments, &memory, NULL), "memory");
    must(mf_memory_transport(memory, &transport, NULL), "transport");
    must(mf_fleet_from_transport(transport, NULL, &fleet, NULL), "fleet");
    free(arguments);

    char operation[32];
    long times;
    while (scanf("%31s %ld", operation, &times) == 2) {
        long long began = now();
        for (long done = 0; done < times; done++) {
            if (strcmp(operation, "status") == 0) {
                mf_status *status = NULL;
                must(mf_fleet_status(fleet, NULL, 0, NULL, &status, NULL), "status");
                mf_status_free(status);
            } else {
                char *names = NULL;
                must(mf_fleet_call(fleet, "names", NULL, &names, NULL), "names");
                mf_string_free(names);
            }
        }
        printf("%lld\n", now() - began);
        fflush(stdout);
    }
    mf_fleet_free(fleet);
    mf_transport_free(transport);
    mf_memory_free(memory);
    return 0;
}
