/* An in-memory fleet in C, and the controls that play its agents. */
#ifndef MEMORY_TRANSPORT_H
#define MEMORY_TRANSPORT_H

#include <mosaic_fleet.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cmem cmem;

/* Makes a fleet of idle agents, and its transport. The fleet lives until `cmem_release` was called and
 * the transport is gone. */
cmem *cmem_open(const char *const *names, size_t count, mf_transport **transport);
void cmem_release(cmem *fleet);

/* What an agent took, by index; NULL beyond the last. The caller frees it with `cmem_free_text`. */
char *cmem_taken(cmem *fleet, const char *name, size_t index);
void cmem_free_text(char *text);
void cmem_kill(cmem *fleet, const char *name);
void cmem_make_busy(cmem *fleet, const char *name);
void cmem_finish_turn(cmem *fleet, const char *name);
void cmem_break(cmem *fleet);

#ifdef __cplusplus
}
#endif

#endif
