/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order_impl: shared by the files of the order machine: acme_order.c (table, driver, first
 * states), acme_order_authz.c and acme_order_challenge.c (proving the names), acme_order_finish.c. */
#ifndef ACME_ORDER_IMPL_H
#define ACME_ORDER_IMPL_H

#include "backends/acme/acme_order.h"

enum acme_step { STEP_WAIT, STEP_AGAIN };

/* A state function ends with one of these. */
enum acme_step acme_order_go(struct acme_order *o, enum acme_order_state next);
enum acme_step acme_order_fail(struct acme_order *o, const struct cl_err *err);
/** Drops the order at the CA and starts a new one, once; the second time it fails with @err. */
enum acme_step acme_order_remake(struct acme_order *o, const struct cl_err *err);

/** As acme_order_fail, with "WHERE: " before the text. */
enum acme_step acme_order_fail_in(struct acme_order *o, const struct cl_err *err,
                                  const char *where);
/** The CA has ended the order (invalid, expired); @why may be empty. */
enum acme_step acme_order_is_dead(struct acme_order *o, struct cl_err *why);
/** Lost (404), another account's (unauthorized), or an unknown URL of a CA that started anew? */
bool acme_order_is_lost(const struct cl_err *err);
/** Takes over what the CA says about the order. False with @err if it is unusable. */
bool acme_order_read(struct acme_order *o, const struct acme_reply *reply, struct cl_err *err);

/* Emitting actions. */
struct acme_action *acme_order_act(struct acme_order *o, enum acme_action_type type, size_t index);
void acme_order_ask(struct acme_order *o, enum acme_what what, size_t index, const char *url,
                    char *take_payload);

/** When to poll again: Retry-After, else 2, 3, 5, 8, 10, 10 ... s. */
cl_time acme_order_poll_at(const struct acme_order *o, const char *retry_after, unsigned polls);
/** Has the order expired by the CA's clock? */
bool acme_order_expired(const struct acme_order *o);

void acme_authz_clear(struct acme_authz *a);
enum acme_step acme_order_authorize(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_present(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_challenge(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_cleanup(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_finalize(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_poll(struct acme_order *o, const struct acme_event *ev);
enum acme_step acme_order_download(struct acme_order *o, const struct acme_event *ev);
/** The error of an authorization that is not valid: its challenge's. */
void acme_authz_verdict(const struct acme_authz_msg *msg, struct cl_err *ret);
/** Earliest next_poll of the authorizations being watched. */
cl_time acme_order_authz_next_at(const struct acme_order *o);

/* How long the CA may take to decide on what it has been told. */
#define ACME_HANG (15 * CL_MINUTE)

/* ---- acme_order_again.c ---- */
/** The names could not be validated. Has the CA just not seen what was there? Then true, and CLEANUP leads
 *  to a second order; otherwise nothing happened. */
bool acme_order_try_again(struct acme_order *o, const struct cl_err *why);
enum acme_step acme_order_again(struct acme_order *o, const struct acme_event *ev);
/** Drops what is known of the order, but not at the CA. */
void acme_order_forget(struct acme_order *o);

/** Takes note of EV_PRESENTED: 0, or -1 if it failed, with the error that the order has then. */
int acme_order_presented(struct acme_order *o, const struct acme_event *ev, struct cl_err *err);

#endif
