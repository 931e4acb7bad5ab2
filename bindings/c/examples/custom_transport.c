/* A transport in C: two agents that are lines of a terminal. What they are sent is printed. */
#include <mosaic_fleet.h>

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"left", "right"};

static int known(const char *name)
{
    return strcmp(name, names[0]) == 0 || strcmp(name, names[1]) == 0;
}

static void tell(const char *name, mf_reply *reply)
{
    mf_agent_fields agent;
    memset(&agent, 0, sizeof agent);
    agent.struct_size = sizeof agent;
    agent.name = name;
    agent.state = MF_STATE_IDLE;
    agent.evidence = "a line is always idle";
    mf_reply_agent(reply, &agent, NULL);
}

static void send_text(void *context, const mf_send_request *request, mf_reply *reply)
{
    mf_receipt_fields receipt;
    FILE *terminal = (FILE *)context;

    if (!known(request->agent)) {
        mf_reply_agent_not_found(reply, request->agent, names, 2, NULL);
        return;
    }
    /* What a terminal would show is all that this program knows: nothing proves that it was read. */
    fprintf(terminal, "%s <- %.*s\n", request->agent, (int)request->text_length, request->text);
    memset(&receipt, 0, sizeof receipt);
    receipt.struct_size = sizeof receipt;
    receipt.verdict = MF_VERDICT_UNCONFIRMED;
    receipt.evidence = MF_EVIDENCE_NONE;
    receipt.detail = "printed";
    mf_reply_receipt(reply, &receipt, NULL);
}

static void status(void *context, const mf_status_request *request, mf_reply *reply)
{
    (void)context;
    if (known(request->agent))
        tell(request->agent, reply);
    else
        mf_reply_agent_not_found(reply, request->agent, names, 2, NULL);
}

static void list(void *context, const mf_list_request *request, mf_reply *reply)
{
    (void)context;
    (void)request;
    tell(names[0], reply);
    tell(names[1], reply);
}

static int failed(mf_error *error)
{
    fprintf(stderr, "%s\n", mf_error_message(error));
    mf_error_free(error);
    return 1;
}

int main(void)
{
    mf_transport_vtable vtable;
    mf_transport *transport = NULL;
    mf_fleet *fleet = NULL;
    mf_receipt *receipt = NULL;
    mf_error *error = NULL;
    int result = 0;

    memset(&vtable, 0, sizeof vtable);
    vtable.struct_size = sizeof vtable;
    vtable.abi_version = MF_ABI_VERSION;
    vtable.scheme = "lines";
    vtable.capabilities = MF_CAN_SEND | MF_CAN_STATUS | MF_CAN_LIST;
    vtable.send = send_text;
    vtable.status = status;
    vtable.list = list;

    if (mf_transport_from_vtable(&vtable, stdout, &transport, &error) != MF_CODE_OK)
        return failed(error);
    if (mf_fleet_from_transport(transport, NULL, &fleet, &error) != MF_CODE_OK) {
        result = failed(error);
    } else {
        if (mf_fleet_send(fleet, "left", "hello", 5, NULL, &receipt, &error) != MF_CODE_OK)
            result = failed(error);
        mf_receipt_free(receipt);
        /* An agent that is not there is told with the one that may be meant. */
        receipt = NULL;
        if (mf_fleet_send(fleet, "rihgt", "hello", 5, NULL, &receipt, &error) != MF_CODE_AGENT_NOT_FOUND)
            result = 1;
        printf("%s\n", mf_error_message(error));
        mf_error_free(error);
    }
    mf_fleet_free(fleet);
    mf_transport_free(transport);
    return result;
}
