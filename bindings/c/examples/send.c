/* Sends a text to an agent of the fleet and says what is known of it.
 *   send AGENT TEXT
 * The fleet is found as the command finds it: by the environment. */
#include <mosaic_fleet.h>

#include <stdio.h>
#include <string.h>

/* Tells an error, frees it, and returns an exit status. */
static int failed(mf_error *error)
{
    fprintf(stderr, "%s\n", mf_error_message(error));
    if (mf_error_hint(error) != NULL)
        fprintf(stderr, "  %s\n", mf_error_hint(error));
    mf_error_free(error);
    return 1;
}

int main(int argc, char **argv)
{
    mf_error *error = NULL;
    mf_fleet *fleet = NULL;
    mf_receipt *receipt = NULL;
    mf_verdict verdict = 0;
    const char *detail = NULL;
    int status = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: send AGENT TEXT\n");
        return 2;
    }
    if (mf_fleet_open(NULL, &fleet, &error) != MF_CODE_OK)
        return failed(error);

    if (mf_fleet_send(fleet, argv[1], argv[2], strlen(argv[2]), NULL, &receipt, &error) != MF_CODE_OK) {
        status = failed(error);
    } else {
        mf_receipt_verdict(receipt, &verdict, NULL);
        mf_receipt_detail(receipt, &detail, NULL);
        printf("%s: %s\n", verdict == MF_VERDICT_SUBMITTED ? "submitted" : "not known to be taken yet", detail);
        mf_receipt_free(receipt);
    }
    mf_fleet_free(fleet);
    return status;
}
