/* Replays steps that it is told, line by line, and says what came of each:
 *   memory-open<TAB>ARGUMENTS      a fleet over agents in this process
 *   open<TAB>ROSTER<TAB>INSTANCE   the fleet of a roster's file, with this process's environment
 *   call|free|memory<TAB>OPERATION<TAB>ARGUMENTS
 * The answer is a line: `answer<TAB>JSON` or `error<TAB>JSON`. Who starts it compares. */
#include "check.h"

static mf_memory *memory = NULL;
static mf_transport *transport = NULL;
static mf_fleet *fleet = NULL;

static void say(mf_code code, char *answer, mf_error *error)
{
    char *json = answer;
    if (code != MF_CODE_OK)
        GOES(mf_error_json(error, &json, err));
    CHECK(code == MF_CODE_OK || mf_error_code(error) == code);
    printf("%s\t%s\n", code == MF_CODE_OK ? "answer" : "error", json == NULL ? "null" : json);
    fflush(stdout);
    mf_string_free(json);
    mf_error_free(error);
}

static void step(char *line)
{
    static const char *const nothing[] = {NULL};
    char *words[3] = {line, NULL, NULL};
    mf_fleet_options options;
    mf_error *error = NULL;
    char *answer = NULL;
    mf_code code = MF_CODE_UNEXPECTED;
    int i;

    for (i = 1; i < 3 && words[i - 1] != NULL; i++) {
        words[i] = strchr(words[i - 1], '\t');
        if (words[i] != NULL)
            *words[i]++ = '\0';
    }
    ZERO(options);
    if (strcmp(line, "memory-open") == 0) {
        options.environment = nothing;
        code = mf_memory_open(words[1], &memory, &error);
        if (code == MF_CODE_OK)
            code = mf_memory_transport(memory, &transport, &error);
        if (code == MF_CODE_OK)
            code = mf_fleet_from_transport(transport, &options, &fleet, &error);
    } else if (strcmp(line, "open") == 0) {
        options.roster = words[1];
        options.instance = words[2];
        code = mf_fleet_open(&options, &fleet, &error);
    } else if (strcmp(line, "call") == 0) {
        code = mf_fleet_call(fleet, words[1], words[2], &answer, &error);
    } else if (strcmp(line, "free") == 0) {
        code = mf_call(words[1], words[2], nothing, &answer, &error);
    } else if (strcmp(line, "memory") == 0) {
        code = mf_memory_call(memory, words[1], words[2], &answer, &error);
    } else {
        CHECK(!"a step that is none");
    }
    say(code, answer, error);
}

int main(void)
{
    size_t room = 1 << 20, length;
    char *line = (char *)malloc(room);
    CHECK(line != NULL);
    while (fgets(line, (int)room, stdin) != NULL) {
        length = strlen(line);
        CHECK(length > 0 && line[length - 1] == '\n');
        line[length - 1] = '\0';
        step(line);
    }
    free(line);
    mf_fleet_free(fleet);
    mf_transport_free(transport);
    mf_memory_free(memory);
    nothing_is_left();
    return 0;
}
