/* SPDX-License-Identifier: Apache-2.0 */
/* ari_state: what is known of a CA's renewal information (RFC 9773) for the certificate in use. Plain
 * data: kept in an object's memory, decided from by reconciler/core, shown in the status. */
#ifndef ARI_STATE_H
#define ARI_STATE_H

#include "spec/base/cl_time.h"

#include <stdbool.h>

/* Strings are owned, NULL = none. Times are by our clock; 0 = not known. */
struct ari_state {
    char *cert_id;         /* of the certificate that all of this is about */
    cl_time start, end;    /* the window that the CA suggests */
    cl_time selected;      /* the instant that was picked in it, once */
    bool urgent;           /* the window was over when it was first seen */
    char *explanation_url; /* why the CA wants it then */
    cl_time last_checked;  /* last answer */
    cl_time next_check;    /* next question */
    unsigned failures;     /* in a row */
    char *last_error;      /* of the last question, if it failed */
    cl_time renewed_at;    /* last renewal that ARI asked for, whatever certificate it was of */
};

/* An answer of the CA. Borrowed. */
struct ari_answer {
    cl_time start, end;          /* end >= start > 0 */
    const char *explanation_url; /* or NULL */
    cl_time retry_at;            /* Retry-After as a point in time; 0 = not said */
};

#endif
